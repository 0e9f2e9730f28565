#include "worker/store_outbox.h"

#include "worker/store_rows.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using SQLite::Statement;

constexpr auto payloads_kept = 7 * 24h;
constexpr auto messages_kept = 90 * 24h;

std::vector<StoredMessage> read_all(Statement& row) {
    std::vector<StoredMessage> messages;
    while (row.executeStep())
        messages.push_back(message_from(row));
    return messages;
}

}  // namespace

OutboxStore::OutboxStore(const std::string& path) : db_(open_state(path)) {}
OutboxStore::~OutboxStore() = default;
OutboxStore::OutboxStore(OutboxStore&&) noexcept = default;

std::vector<StoredMessage> OutboxStore::list(const std::vector<Phase>& phases, std::size_t most) {
    return guarded("the outbox", [&] {
        std::string names;
        for (const Phase phase : phases)
            names += (names.empty() ? "'" : ", '") + std::string(name_of(phase)) + "'";
        Statement row(*db_, std::string("SELECT ") + message_columns +
                                " FROM message WHERE phase IN (" + names + ") ORDER BY id LIMIT ?");
        row.bind(1, to_signed(most));
        return read_all(row);
    });
}

std::vector<StoredMessage> OutboxStore::open_messages(const Share& share, std::size_t most) {
    return guarded("the outbox", [&] {
        std::string marks;
        for (std::size_t i = 0; i < share.list.size(); ++i)
            marks += i == 0 ? "?" : ", ?";
        Statement row(*db_, std::string("SELECT ") + message_columns +
                                " FROM message WHERE (phase IN ('queued', 'armed', 'failed') OR "
                                "(phase = 'uncertain' AND next_ms IS NOT NULL)) AND channel " +
                                (share.others ? "NOT " : "") + "IN (" + marks +
                                ") ORDER BY id LIMIT ?");
        int place = 0;
        for (const std::string& channel : share.list)
            row.bind(++place, channel);
        row.bind(++place, to_signed(most));
        return read_all(row);
    });
}

std::optional<StoredMessage> OutboxStore::find(const std::string& key) {
    return guarded("message " + key, [&]() -> std::optional<StoredMessage> {
        Statement row(*db_,
                      std::string("SELECT ") + message_columns + " FROM message WHERE key = ?");
        row.bind(1, key);
        if (!row.executeStep()) return std::nullopt;
        return message_from(row);
    });
}

std::string OutboxStore::payload(std::int64_t id) {
    return guarded("a message of the outbox", [&] {
        Statement row(*db_, "SELECT payload FROM message WHERE id = ?");
        row.bind(1, id);
        return row.executeStep() ? row.getColumn(0).getString() : std::string();
    });
}

bool OutboxStore::save(std::int64_t id, const Delivery& before, const Delivery& after,
                       WallTime now) {
    return guarded("saving a message", [&] {
        SQLite::Transaction all(*db_, SQLite::TransactionBehavior::IMMEDIATE);
        Statement update(*db_,
                         "UPDATE message SET phase = ?, attempts = ?, created_ms = ?, next_ms = ?, "
                         "doubtful = ?, reply = ?, changed_ms = ? "
                         "WHERE id = ? AND phase = ? AND attempts = ?");
        update.bind(1, std::string(name_of(after.phase)));
        update.bind(2, after.attempts);
        update.bind(3, to_ms(after.created));
        if (after.next) update.bind(4, to_ms(*after.next));
        update.bind(5, after.doubtful);
        update.bind(6, after.reply);
        update.bind(7, to_ms(now));
        update.bind(8, id);
        update.bind(9, std::string(name_of(before.phase)));
        update.bind(10, before.attempts);
        if (update.exec() != 1) return false;
        if (after.phase != before.phase &&
            (after.phase == Phase::uncertain ||
             (after.phase == Phase::skipped && after.doubtful && !before.doubtful))) {
            db_->exec(
                "INSERT INTO counter VALUES ('doubtful', 1) "
                "ON CONFLICT (name) DO UPDATE SET value = value + 1");
        }
        all.commit();
        return true;
    });
}

OutboxCounts OutboxStore::counts() {
    return guarded("the outbox", [&] {
        OutboxCounts counts;
        Statement row(*db_, "SELECT phase, count(*) FROM message GROUP BY phase");
        while (row.executeStep()) {
            const auto number = static_cast<std::uint64_t>(row.getColumn(1).getInt64());
            switch (phase_from(row.getColumn(0).getString())) {
                case Phase::queued:
                case Phase::armed:
                    counts.queued += number;
                    break;
                case Phase::failed:
                    counts.failed += number;
                    break;
                case Phase::sent:
                    counts.sent += number;
                    break;
                case Phase::uncertain:
                    counts.uncertain += number;
                    break;
                case Phase::dead:
                    counts.dead += number;
                    break;
                case Phase::skipped:
                    counts.skipped += number;
                    break;
            }
        }
        Statement ever(*db_,
                       "SELECT coalesce(sum(value) FILTER (WHERE name = 'doubtful'), 0), "
                       "coalesce(sum(value) FILTER (WHERE name LIKE 'overflow:%'), 0), "
                       "coalesce(sum(value) FILTER (WHERE name = 'forgotten'), 0) FROM counter");
        ever.executeStep();
        counts.doubtful = static_cast<std::uint64_t>(ever.getColumn(0).getInt64());
        counts.overflow = static_cast<std::uint64_t>(ever.getColumn(1).getInt64());
        counts.forgotten = static_cast<std::uint64_t>(ever.getColumn(2).getInt64());
        counts.held =
            static_cast<std::uint64_t>(db_->execAndGet("SELECT count(*) FROM held").getInt64());
        return counts;
    });
}

int OutboxStore::version() {
    return guarded("the outbox", [&] { return db_->execAndGet("PRAGMA data_version").getInt(); });
}

void OutboxStore::forget_old(WallTime now, const StoreLimits& limits) {
    guarded("forgetting old messages", [&] {
        const auto number = [&](const char* pragma) {
            return static_cast<std::uint64_t>(db_->execAndGet(pragma).getInt64());
        };
        const std::uint64_t used = (number("PRAGMA page_count") - number("PRAGMA freelist_count")) *
                                   number("PRAGMA page_size");
        const bool crowded = used > limits.most_bytes / 4 * 3;
        std::int64_t early = 0;
        SQLite::Transaction all(*db_, SQLite::TransactionBehavior::IMMEDIATE);
        const auto forget = [&](const char* what, WallTime older_than) {
            Statement statement(*db_, what);
            statement.bind(1, to_ms(older_than));
            return statement.exec();
        };
        forget(
            "UPDATE message SET payload = x'' WHERE length(payload) > 0 AND "
            "phase IN ('sent', 'skipped') AND changed_ms < ?",
            now - payloads_kept);
        forget("DELETE FROM message WHERE phase IN ('sent', 'skipped', 'dead') AND changed_ms < ?",
               now - messages_kept);
        forget(
            "DELETE FROM event WHERE at_ms < ? AND NOT EXISTS "
            "(SELECT 1 FROM message_event WHERE event = event.id)",
            now - messages_kept);
        if (crowded) {
            early += forget(
                "UPDATE message SET payload = x'' WHERE length(payload) > 0 AND "
                "phase IN ('sent', 'skipped') AND changed_ms <= ?",
                now);
            early += forget(
                "DELETE FROM message WHERE phase IN ('sent', 'skipped', 'dead') AND changed_ms < ?",
                now - payloads_kept);
        }
        Statement events(*db_,
                         "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE NOT EXISTS "
                         "(SELECT 1 FROM message_event JOIN message ON message.id = message "
                         "WHERE event = event.id AND phase NOT IN ('sent', 'skipped', 'dead')) "
                         "ORDER BY at_ms DESC LIMIT -1 OFFSET ?)");
        events.bind(1, to_signed(limits.most_events));
        early += events.exec();
        if (early > 0) {
            Statement count(*db_,
                            "INSERT INTO counter VALUES ('forgotten', ?) "
                            "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value");
            count.bind(1, early);
            count.exec();
        }
        all.commit();
        return true;
    });
}

}  // namespace oneloop::worker
