#include "worker/store_reader.h"

#include <unistd.h>

#include "worker/store_rows.h"

namespace oneloop::worker {
namespace {

using SQLite::Column;
using SQLite::Statement;

constexpr int wait_for_lock_ms = 500;

std::optional<WallTime> time_or_none(const Column& column) {
    if (column.isNull()) return std::nullopt;
    return from_ms(column.getInt64());
}

std::vector<JournalRow> journal_from(Statement& row) {
    std::vector<JournalRow> rows;
    while (row.executeStep()) {
        rows.push_back({row.getColumn(0).getInt64(), from_ms(row.getColumn(1).getInt64()),
                        row.getColumn(2).getString(), row.getColumn(3).getString(),
                        row.getColumn(4).getString()});
    }
    return rows;
}

std::int64_t number(SQLite::Database& db, const char* query) {
    return guarded("the journal", [&] { return db.execAndGet(query).getInt64(); });
}

}  // namespace

StoreReader::StoreReader(std::unique_ptr<SQLite::Database> db) : db_(std::move(db)) {}
StoreReader::~StoreReader() = default;

std::unique_ptr<StoreReader> StoreReader::open(const std::string& path) {
    if (::access(path.c_str(), F_OK) != 0) return nullptr;
    return guarded(path, [&]() -> std::unique_ptr<StoreReader> {
        auto db =
            std::make_unique<SQLite::Database>(path, SQLite::OPEN_READWRITE, wait_for_lock_ms);
        const auto found = db->execAndGet(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND "
            "name IN ('journal', 'mute', 'pause', 'message', 'event', 'item', "
            "'watch')");
        if (found.getInt() != 7) return nullptr;
        return std::unique_ptr<StoreReader>(new StoreReader(std::move(db)));
    });
}

std::vector<WatchRow> StoreReader::watches(const std::string& today) {
    return guarded("the watches", [&] {
        std::vector<WatchRow> rows;
        // `raw` is kept of those that match.
        Statement row(*db_,
                      "SELECT w.id, w.tick, w.due_ms, w.distance_ms, w.failures, w.last_ok_ms, "
                      "m.until_ms, count(i.key), "
                      "count(i.key) FILTER (WHERE i.raw <> '' AND i.state IN (?2, ?3)), "
                      "count(i.key) FILTER (WHERE i.raw <> '' AND i.state = ?2 AND i.waiting = 0), "
                      "p.since_ms "
                      "FROM watch w LEFT JOIN mute m ON m.watch = w.id "
                      "LEFT JOIN pause p ON p.watch = w.id "
                      "LEFT JOIN item i ON i.watch = w.id AND i.date >= ?1 GROUP BY w.id");
        row.bind(1, today);
        row.bind(2, std::string(name_of(State::available)));
        row.bind(3, std::string(name_of(State::sold_out)));
        while (row.executeStep()) {
            WatchRow one;
            one.id = row.getColumn(0).getString();
            one.tick = static_cast<std::uint64_t>(row.getColumn(1).getInt64());
            one.due = time_or_none(row.getColumn(2));
            one.distance = std::chrono::milliseconds(row.getColumn(3).getInt64());
            one.failures = row.getColumn(4).getUInt();
            one.last_ok = time_or_none(row.getColumn(5));
            one.muted_until = time_or_none(row.getColumn(6));
            one.items = static_cast<std::size_t>(row.getColumn(7).getInt64());
            one.matching = static_cast<std::size_t>(row.getColumn(8).getInt64());
            one.bookable = static_cast<std::size_t>(row.getColumn(9).getInt64());
            one.paused_since = time_or_none(row.getColumn(10));
            rows.push_back(std::move(one));
        }
        return rows;
    });
}

std::vector<JournalRow> StoreReader::last_ticks() {
    return guarded("the journal", [&] {
        Statement row(*db_,
                      "SELECT id, at_ms, kind, watch, data FROM journal WHERE id IN "
                      "(SELECT max(id) FROM journal WHERE kind = 'tick' GROUP BY watch)");
        return journal_from(row);
    });
}

Ledger StoreReader::items(const std::string& watch) {
    return guarded("the showtimes",
                   [&] { return items_of(*db_, watch, [](const std::string&) {}); });
}

std::vector<JournalRow> StoreReader::journal(std::int64_t after, std::size_t most) {
    return guarded("the journal", [&] {
        Statement row(*db_,
                      "SELECT id, at_ms, kind, watch, data FROM journal WHERE id > ? "
                      "ORDER BY id LIMIT ?");
        row.bind(1, after);
        row.bind(2, to_signed(most));
        return journal_from(row);
    });
}

std::int64_t StoreReader::first_id() {
    return number(*db_, "SELECT coalesce(min(id), 0) FROM journal");
}

std::int64_t StoreReader::last_id() {
    return number(*db_, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'journal'");
}

std::vector<JournalRow> StoreReader::of_kind(const std::string& kind, const std::string& watch,
                                             std::int64_t before, std::size_t most) {
    return guarded("the journal", [&] {
        Statement row(*db_, std::string("SELECT id, at_ms, kind, watch, data FROM journal "
                                        "WHERE kind = ?1 AND (?3 = 0 OR id < ?3)") +
                                (watch.empty() ? "" : " AND watch = ?2") +
                                " ORDER BY id DESC LIMIT ?4");
        row.bind(1, kind);
        if (!watch.empty()) row.bind(2, watch);
        row.bind(3, before);
        row.bind(4, to_signed(most));
        return journal_from(row);
    });
}

std::vector<EventRow> StoreReader::events(const EventQuery& query) {
    return guarded("the events", [&] {
        std::vector<EventRow> events;
        Statement row(
            *db_,
            "SELECT e.id, e.watch, e.kind, e.item, e.tick, e.at_ms, i.fields FROM event e "
            "LEFT JOIN item i ON i.watch = e.watch AND i.key = e.item "
            "WHERE (?1 = '' OR e.watch = ?1) AND (?2 = '' OR e.kind = ?2) "
            "AND (?3 = '' OR e.id = ?3) AND (?4 IS NULL OR (e.at_ms, e.id) < (?4, ?5)) "
            "ORDER BY e.at_ms DESC, e.id DESC LIMIT ?6");
        row.bind(1, query.watch);
        row.bind(2, query.kind);
        row.bind(3, query.id);
        if (query.before) row.bind(4, to_ms(*query.before));
        row.bind(5, query.before_id);
        row.bind(6, to_signed(query.most));
        Statement of(*db_, std::string("SELECT ") + message_columns +
                               " FROM message_event l JOIN message m ON m.id = l.message "
                               "WHERE l.event = ? ORDER BY m.id");
        while (row.executeStep()) {
            EventRow event{row.getColumn(0).getString(),
                           row.getColumn(1).getString(),
                           row.getColumn(2).getString(),
                           row.getColumn(3).getString(),
                           static_cast<std::uint64_t>(row.getColumn(4).getInt64()),
                           from_ms(row.getColumn(5).getInt64()),
                           row.getColumn(6).isNull() ? "" : row.getColumn(6).getString(),
                           {}};
            of.bind(1, event.id);
            while (of.executeStep())
                event.deliveries.push_back({message_from(of), {}});
            of.reset();
            events.push_back(std::move(event));
        }
        return events;
    });
}

std::vector<DeliveryRow> StoreReader::deliveries(const std::string& state, std::int64_t before,
                                                 std::size_t most) {
    return guarded("the deliveries", [&] {
        std::vector<DeliveryRow> rows;
        Statement row(*db_, std::string("SELECT ") + message_columns +
                                " FROM message m WHERE (?1 = '' OR m.phase = ?1) "
                                "AND (?2 = 0 OR m.id < ?2) ORDER BY m.id DESC LIMIT ?3");
        row.bind(1, state);
        row.bind(2, before);
        row.bind(3, to_signed(most));
        Statement of(*db_, "SELECT event FROM message_event WHERE message = ?");
        while (row.executeStep()) {
            DeliveryRow one{message_from(row), {}};
            of.bind(1, one.id);
            while (of.executeStep())
                one.events.push_back(of.getColumn(0).getString());
            of.reset();
            rows.push_back(std::move(one));
        }
        return rows;
    });
}

void StoreReader::set_mute(const std::string& watch, std::optional<WallTime> until) {
    guarded("muting " + watch, [&] {
        SQLite::Transaction all(*db_, SQLite::TransactionBehavior::IMMEDIATE);
        Statement gone(*db_, "DELETE FROM mute WHERE watch = ?");
        gone.bind(1, watch);
        gone.exec();
        if (until) {
            Statement row(*db_, "INSERT INTO mute VALUES (?, ?)");
            row.bind(1, watch);
            row.bind(2, to_ms(*until));
            row.exec();
        }
        all.commit();
    });
}

void StoreReader::note_prevented(const std::string& path, Twice reason, WallTime at, int pid) {
    try {
        const auto file = open(path);
        if (!file) return;
        guarded("the journal", [&] {
            Statement row(*file->db_,
                          "INSERT INTO journal (at_ms, kind, watch, data) VALUES "
                          "(?, 'prevented', '', json_object('reason', ?, 'pid', ?))");
            row.bind(1, to_ms(at));
            row.bind(2, std::string(name_of(reason)));
            row.bind(3, pid);
            row.exec();
        });
    } catch (const StoreError&) {
        // As promised.
    }
}

void StoreReader::set_pause(const std::string& watch, std::optional<WallTime> since) {
    guarded("pausing " + watch, [&] {
        Statement row(*db_, since ? "INSERT OR IGNORE INTO pause VALUES (?1, ?2)"
                                  : "DELETE FROM pause WHERE watch = ?1");
        row.bind(1, watch);
        if (since) row.bind(2, to_ms(*since));
        row.exec();
    });
}

}  // namespace oneloop::worker
