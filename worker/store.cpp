#include "worker/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/result.h"
#include "common/unique_fd.h"

namespace oneloop::worker {
namespace {

using SQLite::Statement;
using std::chrono::milliseconds;

// PRAGMA application_id: "OneL". Tells our files from every other SQLite file.
constexpr int application_id = 0x4F6E654C;
constexpr int schema_version = 1;

constexpr const char* schema = R"(
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE watch (
        id          TEXT PRIMARY KEY,
        tick        INTEGER NOT NULL DEFAULT 0,
        due_ms      INTEGER,
        distance_ms INTEGER NOT NULL DEFAULT 0,
        failures    INTEGER NOT NULL DEFAULT 0,
        last_ok_ms  INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE item (
        watch      TEXT NOT NULL REFERENCES watch(id) ON DELETE CASCADE,
        key        TEXT NOT NULL,
        fields     TEXT NOT NULL,
        raw        TEXT NOT NULL,
        date       TEXT NOT NULL,
        state      TEXT NOT NULL,
        transition INTEGER NOT NULL,
        first_seen INTEGER NOT NULL,
        last_seen  INTEGER NOT NULL,
        PRIMARY KEY (watch, key)
    ) WITHOUT ROWID;
)";

std::int64_t to_ms(WallTime time) {
    return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}
WallTime from_ms(std::int64_t ms) {
    return WallTime(milliseconds(ms));
}

std::int64_t to_signed(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

// SQLite creates its file with the umask; state of one user is nobody else's business.
void create_private(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) throw StoreError(fail_errno("open " + path).value().what);
}

}  // namespace

struct Store::Database {
    explicit Database(const std::string& path)
        : db(path, SQLite::OPEN_READWRITE, 5000 /* ms to wait for a lock */) {}

    void prepare(const std::string& path) {
        const int id = db.execAndGet("PRAGMA application_id").getInt();
        const int tables = db.execAndGet("SELECT count(*) FROM sqlite_master").getInt();
        if (id != application_id && (id != 0 || tables != 0)) {
            throw StoreError(path + ": a SQLite file of another program; give another `state`");
        }
        const bool fresh = tables == 0;
        // Both return a row, which is why they are not exec'ed.
        db.execAndGet("PRAGMA journal_mode=WAL");
        db.exec("PRAGMA synchronous=FULL");
        db.exec("PRAGMA foreign_keys=ON");
        if (fresh) {
            SQLite::Transaction all(db, SQLite::TransactionBehavior::IMMEDIATE);
            db.exec(schema);
            db.exec("PRAGMA application_id=" + std::to_string(application_id));
            Statement meta(db, "INSERT INTO meta VALUES ('schema', ?)");
            meta.bind(1, std::to_string(schema_version));
            meta.exec();
            all.commit();
        }
        const std::string found =
            db.execAndGet("SELECT value FROM meta WHERE key = 'schema'").getString();
        if (found != std::to_string(schema_version)) {
            throw StoreError(path + ": written by another version (schema " + found + ")");
        }
        const std::string check = db.execAndGet("PRAGMA quick_check(1)").getString();
        if (check != "ok") throw StoreError(path + ": damaged: " + check);
    }

    SQLite::Database db;
};

namespace {

// Runs `work` and turns the library's exceptions into ours.
template <class Work>
auto guarded(const std::string& what, Work work) {
    try {
        return work();
    } catch (const SQLite::Exception& error) {
        throw StoreError(what + ": " + error.what());
    }
}

}  // namespace

Store::Store(const std::string& path) {
    create_private(path);
    guarded(path, [&] {
        db_ = std::make_unique<Database>(path);
        db_->prepare(path);
    });
}

Store::~Store() = default;
Store::Store(Store&&) noexcept = default;

WatchState Store::load_watch(const std::string& watch) {
    return guarded("state of watch " + watch, [&] {
        Statement add(db_->db, "INSERT OR IGNORE INTO watch (id) VALUES (?)");
        add.bind(1, watch);
        add.exec();
        Statement row(
            db_->db,
            "SELECT tick, due_ms, distance_ms, failures, last_ok_ms FROM watch WHERE id = ?");
        row.bind(1, watch);
        row.executeStep();
        WatchState state;
        state.tick = static_cast<std::uint64_t>(row.getColumn(0).getInt64());
        if (!row.getColumn(1).isNull()) state.due = from_ms(row.getColumn(1).getInt64());
        state.distance = milliseconds(row.getColumn(2).getInt64());
        state.failures = row.getColumn(3).getUInt();
        if (!row.getColumn(4).isNull()) state.last_ok = from_ms(row.getColumn(4).getInt64());
        return state;
    });
}

Ledger Store::load_items(const std::string& watch) {
    return guarded("showtimes of watch " + watch, [&] {
        Ledger ledger;
        Statement row(db_->db,
                      "SELECT key, fields, raw, state, transition, first_seen, last_seen "
                      "FROM item WHERE watch = ?");
        row.bind(1, watch);
        while (row.executeStep()) {
            const std::string key = row.getColumn(0).getString();
            auto item = from_ledger(key, row.getColumn(1).getString());
            if (!item)
                throw StoreError("showtime " + key + " of watch " + watch + ": not readable");
            item->raw = row.getColumn(2).getString();
            Known known{std::move(*item), state_from(row.getColumn(3).getString()),
                        static_cast<std::uint64_t>(row.getColumn(4).getInt64()),
                        row.getColumn(5).getInt64(), row.getColumn(6).getInt64()};
            ledger.emplace(key, std::move(known));
        }
        return ledger;
    });
}

bool Store::claim_tick(const std::string& watch, std::uint64_t expected, WallTime due,
                       milliseconds distance) {
    return guarded("claiming a tick of " + watch, [&] {
        Statement swap(db_->db,
                       "UPDATE watch SET tick = tick + 1, due_ms = ?, distance_ms = ? "
                       "WHERE id = ? AND tick = ?");
        swap.bind(1, to_ms(due));
        swap.bind(2, static_cast<std::int64_t>(distance.count()));
        swap.bind(3, watch);
        swap.bind(4, to_signed(expected));
        return swap.exec() == 1;
    });
}

bool Store::commit(const std::string& watch, const WatchState& state,
                   const std::vector<Known>& rows, Date oldest) {
    return guarded("saving a tick of " + watch, [&] {
        SQLite::Transaction all(db_->db, SQLite::TransactionBehavior::IMMEDIATE);
        Statement update(db_->db,
                         "UPDATE watch SET due_ms = ?, distance_ms = ?, failures = ?, "
                         "last_ok_ms = coalesce(?, last_ok_ms) WHERE id = ? AND tick = ?");
        if (state.due) update.bind(1, to_ms(*state.due));
        update.bind(2, static_cast<std::int64_t>(state.distance.count()));
        update.bind(3, static_cast<std::int64_t>(state.failures));
        if (state.last_ok) update.bind(4, to_ms(*state.last_ok));
        update.bind(5, watch);
        update.bind(6, to_signed(state.tick));
        if (update.exec() != 1) return false;
        Statement put(db_->db,
                      "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
                      "ON CONFLICT (watch, key) DO UPDATE SET fields = excluded.fields, "
                      "raw = excluded.raw, date = excluded.date, state = excluded.state, "
                      "transition = excluded.transition, last_seen = excluded.last_seen");
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
            put.exec();
            put.reset();
        }
        Statement prune(db_->db, "DELETE FROM item WHERE watch = ? AND date < ?");
        prune.bind(1, watch);
        prune.bind(2, format_date(oldest, "%Y%m%d"));
        prune.exec();
        all.commit();
        return true;
    });
}

}  // namespace oneloop::worker
