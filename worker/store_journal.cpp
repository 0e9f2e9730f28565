#include "worker/store_journal.h"

#include "worker/store_sql.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using SQLite::Statement;

constexpr int prune_every = 200;  // rows
constexpr auto events_kept = 90 * 24h;

// Not part of the schema's versions: nothing that is promised needs them, and a program that does
// not know them works on the file as before. The triggers are made anew, so that they are this
// program's.
constexpr const char* tables = R"(
    CREATE TABLE IF NOT EXISTS journal (
        id    INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        kind  TEXT NOT NULL,
        watch TEXT NOT NULL,
        data  TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS journal_by_kind ON journal (kind, id);
    CREATE INDEX IF NOT EXISTS journal_by_watch ON journal (kind, watch, id);
    CREATE INDEX IF NOT EXISTS event_by_time ON event (at_ms, id);
    CREATE INDEX IF NOT EXISTS message_event_by_event ON message_event (event);
    CREATE TABLE IF NOT EXISTS mute (watch TEXT PRIMARY KEY, until_ms INTEGER NOT NULL)
        WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS pause (watch TEXT PRIMARY KEY, since_ms INTEGER NOT NULL)
        WITHOUT ROWID;
    DROP TRIGGER IF EXISTS journal_event;
    CREATE TRIGGER journal_event AFTER INSERT ON event BEGIN
        INSERT INTO journal (at_ms, kind, watch, data) VALUES (new.at_ms, 'event', new.watch,
            json_object('event', new.id, 'what', new.kind, 'item', new.item, 'tick', new.tick));
    END;
    DROP TRIGGER IF EXISTS journal_mute;
    CREATE TRIGGER journal_mute AFTER INSERT ON mute BEGIN
        INSERT INTO journal (at_ms, kind, watch, data) VALUES (
            CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'mute', new.watch,
            json_object('muted', json('true')));
    END;
    DROP TRIGGER IF EXISTS journal_unmute;
    CREATE TRIGGER journal_unmute AFTER DELETE ON mute BEGIN
        INSERT INTO journal (at_ms, kind, watch, data) VALUES (
            CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'mute', old.watch,
            json_object('muted', json('false')));
    END;
    DROP TRIGGER IF EXISTS journal_pause;
    CREATE TRIGGER journal_pause AFTER INSERT ON pause BEGIN
        INSERT INTO journal (at_ms, kind, watch, data) VALUES (new.since_ms, 'pause', new.watch,
            json_object('paused', json('true')));
    END;
    DROP TRIGGER IF EXISTS journal_resume;
    CREATE TRIGGER journal_resume AFTER DELETE ON pause BEGIN
        INSERT INTO journal (at_ms, kind, watch, data) VALUES (
            CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'pause', old.watch,
            json_object('paused', json('false')));
    END;
)";

// What is noted of a message, whatever has become of it; `more` of it: "" or further pairs.
std::string message_trigger(const std::string& name, const std::string& when,
                            const std::string& more) {
    return "DROP TRIGGER IF EXISTS " + name + "; CREATE TRIGGER " + name + " AFTER " + when +
           " ON message BEGIN INSERT INTO journal (at_ms, kind, watch, data) VALUES "
           "(new.changed_ms, 'delivery', new.watch, json_object('delivery', new.key, 'channel', "
           "new.channel, 'state', new.phase, 'attempt', new.attempts" +
           more + ")); END;";
}

}  // namespace

Journal::Journal(const std::string& path, std::int64_t most_rows)
    : db_(open_state(path)), most_rows_(most_rows) {
    guarded("the journal", [&] {
        // After a crash of the machine its last rows may be missing; for the rest of the file the
        // other connections' FULL decides.
        db_->exec("PRAGMA synchronous=NORMAL");
        SQLite::Transaction all(*db_, SQLite::TransactionBehavior::IMMEDIATE);
        db_->exec(tables);
        db_->exec(message_trigger("journal_message", "INSERT", ""));
        db_->exec(message_trigger("journal_message_changed", "UPDATE OF phase, attempts",
                                  ", 'took_ms', new.changed_ms - new.created_ms"));
        all.commit();
    });
}

Journal::~Journal() = default;

void Journal::note(WallTime at, const std::string& kind, const std::string& watch,
                   const std::string& data) {
    guarded("the journal", [&] {
        Statement row(*db_, "INSERT INTO journal (at_ms, kind, watch, data) VALUES (?, ?, ?, ?)");
        row.bind(1, to_ms(at));
        row.bind(2, kind);
        row.bind(3, watch);
        row.bind(4, data);
        row.exec();
        if (++since_pruned_ >= prune_every) prune(at);
    });
}

void Journal::prune(WallTime now) {
    since_pruned_ = 0;
    Statement old(*db_, "DELETE FROM journal WHERE id <= (SELECT max(id) FROM journal) - ?");
    old.bind(1, most_rows_);
    old.exec();
    // Where nobody delivers, nobody else forgets them.
    Statement events(*db_,
                     "DELETE FROM event WHERE at_ms < ? AND id NOT IN "
                     "(SELECT event FROM message_event)");
    events.bind(1, to_ms(now - events_kept));
    events.exec();
}

std::string Journal::last(const std::string& kind, const std::string& watch) {
    return guarded("the journal", [&] {
        Statement row(*db_,
                      "SELECT data FROM journal WHERE kind = ? AND watch = ? "
                      "ORDER BY id DESC LIMIT 1");
        row.bind(1, kind);
        row.bind(2, watch);
        return row.executeStep() ? row.getColumn(0).getString() : std::string();
    });
}

bool Journal::muted(const std::string& watch, WallTime now) {
    return guarded("what is mute", [&] {
        Statement row(*db_, "SELECT count(*) FROM mute WHERE watch = ? AND until_ms > ?");
        row.bind(1, watch);
        row.bind(2, to_ms(now));
        row.executeStep();
        return row.getColumn(0).getInt() != 0;
    });
}

std::set<std::string> Journal::paused() {
    return guarded("what is paused", [&] {
        std::set<std::string> watches;
        Statement row(*db_, "SELECT watch FROM pause");
        while (row.executeStep())
            watches.insert(row.getColumn(0).getString());
        return watches;
    });
}

std::uint64_t Journal::next_epoch() {
    return guarded("the epoch", [&] {
        SQLite::Transaction all(*db_, SQLite::TransactionBehavior::IMMEDIATE);
        db_->exec(
            "INSERT INTO counter VALUES ('epoch', 1) "
            "ON CONFLICT (name) DO UPDATE SET value = value + 1");
        const auto epoch =
            db_->execAndGet("SELECT value FROM counter WHERE name = 'epoch'").getInt64();
        all.commit();
        return static_cast<std::uint64_t>(epoch);
    });
}

}  // namespace oneloop::worker
