#include "worker/store.h"

#include "worker/outbox.h"
#include "worker/store_rows.h"

namespace oneloop::worker {

using SQLite::Statement;
using std::chrono::milliseconds;

Store::Store(const std::string& path, std::uint64_t most_bytes)
    : db_(open_state(path, most_bytes)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;

WatchState Store::load_watch(const std::string& watch) {
    return guarded("state of watch " + watch, [&] {
        Statement add(*db_, "INSERT OR IGNORE INTO watch (id) VALUES (?)");
        add.bind(1, watch);
        add.exec();
        Statement row(
            *db_,
            "SELECT tick, due_ms, distance_ms, failures, last_ok_ms, told FROM watch WHERE id = ?");
        row.bind(1, watch);
        row.executeStep();
        WatchState state;
        state.tick = static_cast<std::uint64_t>(row.getColumn(0).getInt64());
        if (!row.getColumn(1).isNull()) state.due = from_ms(row.getColumn(1).getInt64());
        state.distance = milliseconds(row.getColumn(2).getInt64());
        state.failures = row.getColumn(3).getUInt();
        if (!row.getColumn(4).isNull()) state.last_ok = from_ms(row.getColumn(4).getInt64());
        state.told = row.getColumn(5).getString();
        Statement down(*db_, "SELECT value FROM counter WHERE name = ?");
        down.bind(1, "down:" + watch);
        if (down.executeStep()) state.down_told = from_ms(down.getColumn(0).getInt64());
        return state;
    });
}

Ledger Store::load_items(const std::string& watch) {
    return guarded("showtimes of watch " + watch, [&] {
        return items_of(*db_, watch, [&](const std::string& id) {
            throw StoreError("showtime " + id + " of watch " + watch + ": not readable");
        });
    });
}

bool Store::claim_tick(const std::string& watch, std::uint64_t expected, WallTime due,
                       milliseconds distance) {
    return guarded("claiming a tick of " + watch, [&] {
        Statement swap(*db_,
                       "UPDATE watch SET tick = tick + 1, due_ms = ?, distance_ms = ? "
                       "WHERE id = ? AND tick = ?");
        swap.bind(1, to_ms(due));
        swap.bind(2, static_cast<std::int64_t>(distance.count()));
        swap.bind(3, watch);
        swap.bind(4, to_signed(expected));
        return swap.exec() == 1;
    });
}

QueueState Store::queue_of(const std::string& channel) {
    return guarded("the queue of channel " + channel, [&] {
        QueueState queue;
        Statement pending(*db_,
                          "SELECT count(*) FROM message WHERE channel = ? AND "
                          "phase IN ('queued', 'armed', 'failed', 'uncertain')");
        pending.bind(1, channel);
        pending.executeStep();
        queue.pending = static_cast<std::size_t>(pending.getColumn(0).getInt64());
        Statement counter(*db_, "SELECT value FROM counter WHERE name = ?");
        counter.bind(1, "untold:" + channel);
        if (counter.executeStep())
            queue.overflowed = static_cast<std::uint64_t>(counter.getColumn(0).getInt64());
        Statement held(*db_, "SELECT count(*) FROM held WHERE channel = ?");
        held.bind(1, channel);
        held.executeStep();
        queue.held = static_cast<std::size_t>(held.getColumn(0).getInt64());
        return queue;
    });
}

bool Store::commit(const std::string& watch, const WatchState& state,
                   const std::vector<Known>& rows, Date oldest, const Alerts& alerts,
                   WallTime now) {
    return guarded("saving a tick of " + watch, [&] {
        SQLite::Transaction all(*db_, SQLite::TransactionBehavior::IMMEDIATE);
        Statement update(*db_,
                         "UPDATE watch SET due_ms = ?, distance_ms = ?, failures = ?, "
                         "last_ok_ms = coalesce(?, last_ok_ms), told = coalesce(?, told) "
                         "WHERE id = ? AND tick = ?");
        if (state.due) update.bind(1, to_ms(*state.due));
        update.bind(2, static_cast<std::int64_t>(state.distance.count()));
        update.bind(3, static_cast<std::int64_t>(state.failures));
        if (state.last_ok) update.bind(4, to_ms(*state.last_ok));
        if (alerts.told) update.bind(5, *alerts.told);
        update.bind(6, watch);
        update.bind(7, to_signed(state.tick));
        if (update.exec() != 1) return false;
        write_items(watch, rows, oldest);
        write_alerts(watch, state.tick, alerts, now);
        all.commit();
        return true;
    });
}

void Store::write_items(const std::string& watch, const std::vector<Known>& rows, Date oldest) {
    Statement put(*db_,
                  "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                  "ON CONFLICT (watch, key) DO UPDATE SET fields = excluded.fields, "
                  "raw = excluded.raw, date = excluded.date, state = excluded.state, "
                  "transition = excluded.transition, last_seen = excluded.last_seen, "
                  "waiting = excluded.waiting");
    for (const Known& known : rows) {
        put.bind(1, watch);
        put.bind(2, known.item.id);
        put.bind(3, to_ledger(known.item));
        put.bind(4, known.item.raw);
        put.bind(5, format_date(known.item.date, "%Y%m%d"));
        put.bind(6, std::string(name_of(known.state)));
        put.bind(7, to_signed(known.transition));
        put.bind(8, known.first_seen);
        put.bind(9, known.last_seen);
        put.bind(10, static_cast<std::int64_t>(known.waiting));
        put.exec();
        put.reset();
    }
    Statement prune(*db_, "DELETE FROM item WHERE watch = ? AND date < ?");
    prune.bind(1, watch);
    prune.bind(2, format_date(oldest, "%Y%m%d"));
    prune.exec();
}

void Store::write_alerts(const std::string& watch, std::uint64_t tick, const Alerts& alerts,
                         WallTime now) {
    repeated_ = 0;
    Statement event(*db_, "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const EventRecord& record : alerts.events) {
        event.bind(1, record.id);
        event.bind(2, watch);
        event.bind(3, record.kind);
        event.bind(4, record.item);
        event.bind(5, to_signed(record.transition));
        event.bind(6, to_signed(tick));
        event.bind(7, to_ms(now));
        if (event.exec() == 0) ++repeated_;
        event.reset();
    }
    write_messages(watch, alerts.messages, now);
    write_held(alerts.held, now);
    for (const auto& [channel, number] : alerts.overflow)
        count_untold(channel, number);
    Statement reset(*db_, "DELETE FROM counter WHERE name = ?");
    for (const std::string& channel : alerts.overflow_told) {
        reset.bind(1, "untold:" + channel);
        reset.exec();
        reset.reset();
    }
    if (alerts.down_told && *alerts.down_told) {
        // When it was told. An older version wrote 1 here.
        Statement told(*db_, "INSERT OR REPLACE INTO counter VALUES (?, ?)");
        told.bind(1, "down:" + watch);
        told.bind(2, to_ms(now));
        told.exec();
    } else if (alerts.down_told) {
        reset.bind(1, "down:" + watch);
        reset.exec();
    }
}

void Store::write_messages(const std::string& watch, const std::vector<NewMessage>& messages,
                           WallTime now) {
    Statement message(*db_,
                      "INSERT OR IGNORE INTO message (key, channel, recipient, watch, subject, "
                      "payload, phase, created_ms, next_ms, changed_ms) "
                      "VALUES (?, ?, ?, ?, ?, ?, ?, ?8, ?8, ?8)");
    Statement link(*db_, "INSERT OR IGNORE INTO message_event VALUES (?, ?)");
    for (const NewMessage& fresh : messages) {
        message.bind(1, fresh.key);
        message.bind(2, fresh.channel);
        message.bind(3, fresh.recipient);
        message.bind(4, watch);
        message.bind(5, fresh.subject);
        message.bind(6, fresh.payload.data(), static_cast<int>(fresh.payload.size()));
        message.bind(7, std::string(name_of(Phase::queued)));
        message.bind(8, to_ms(now));
        const bool written = message.exec() == 1;
        message.reset();
        if (!written) continue;
        const std::int64_t id = db_->getLastInsertRowid();
        for (const std::string& of : fresh.events) {
            link.bind(1, id);
            link.bind(2, of);
            link.exec();
            link.reset();
        }
    }
}

void Store::count_untold(const std::string& channel, std::uint64_t number) {
    Statement count(*db_,
                    "INSERT INTO counter VALUES (?, ?) "
                    "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value");
    for (const char* name : {"untold:", "overflow:"}) {
        count.bind(1, name + channel);
        count.bind(2, to_signed(number));
        count.exec();
        count.reset();
    }
}

}  // namespace oneloop::worker
