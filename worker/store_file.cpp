#include "worker/store_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>

#include "common/result.h"
#include "common/unique_fd.h"
#include "worker/store_sql.h"

namespace oneloop::worker {
namespace {

using SQLite::Statement;

// PRAGMA application_id: "OneL". Tells our files from every other SQLite file.
constexpr int application_id = 0x4F6E654C;

// Version 1: ticks and showtimes. A new file goes through the same steps as an old one, so that
// both are alike.
constexpr const char* schema_1 = R"(
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
    INSERT INTO meta VALUES ('schema', '1');
)";

// Version 2: what was told about them. `told`: what the watch was about when somebody was last told
// all of it. Messages stay in the order in which they were written.
constexpr const char* schema_2 = R"(
    ALTER TABLE watch ADD COLUMN told TEXT NOT NULL DEFAULT '';
    CREATE TABLE event (
        id         TEXT PRIMARY KEY,
        watch      TEXT NOT NULL,
        kind       TEXT NOT NULL,
        item       TEXT NOT NULL,
        transition INTEGER NOT NULL,
        tick       INTEGER NOT NULL,
        at_ms      INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE message (
        id         INTEGER PRIMARY KEY AUTOINCREMENT,
        key        TEXT NOT NULL UNIQUE,
        channel    TEXT NOT NULL,
        recipient  TEXT NOT NULL,
        watch      TEXT NOT NULL,
        subject    TEXT NOT NULL,
        payload    BLOB NOT NULL,
        phase      TEXT NOT NULL,
        attempts   INTEGER NOT NULL DEFAULT 0,
        created_ms INTEGER NOT NULL,
        next_ms    INTEGER,
        doubtful   INTEGER NOT NULL DEFAULT 0,
        reply      TEXT NOT NULL DEFAULT '',
        changed_ms INTEGER NOT NULL
    );
    CREATE INDEX message_by_phase ON message (phase);
    CREATE TABLE message_event (
        message INTEGER NOT NULL REFERENCES message(id) ON DELETE CASCADE,
        event   TEXT NOT NULL,
        PRIMARY KEY (message, event)
    ) WITHOUT ROWID;
    CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    UPDATE meta SET value = '2' WHERE key = 'schema';
)";

// Version 3: what quiet hours hold back. A note has no item.
constexpr const char* schema_3 = R"(
    CREATE TABLE held (
        number  INTEGER PRIMARY KEY AUTOINCREMENT,
        channel TEXT NOT NULL,
        id      TEXT NOT NULL,
        watch   TEXT NOT NULL,
        note    TEXT NOT NULL,
        kind    TEXT NOT NULL,
        item    TEXT NOT NULL,
        fields  TEXT NOT NULL,
        at_ms   INTEGER NOT NULL,
        UNIQUE (channel, id)
    );
    UPDATE meta SET value = '3' WHERE key = 'schema';
)";

// Version 4: how many polls in a row have shown an opening that is not news yet (`confirm`).
constexpr const char* schema_4 = R"(
    ALTER TABLE item ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
    UPDATE meta SET value = '4' WHERE key = 'schema';
)";

// From a version to the next.
constexpr std::array<const char*, 4> steps = {schema_1, schema_2, schema_3, schema_4};
constexpr int schema_version = static_cast<int>(steps.size());

// SQLite creates its file with the umask; state of one user is nobody else's business.
//
// A file that is there is not opened, not even to look: closing any descriptor of it drops the
// locks that another connection of this process holds (fcntl(2), F_SETLK), and then somebody else
// who looks takes himself for the last one and deletes the log under our feet.
void create_private(const std::string& path) {
    const UniqueFd fd(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd) return;
    if (errno != EEXIST) throw StoreError(fail_errno("open " + path).value().what);
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0)
        throw StoreError(fail_errno("lstat " + path).value().what);
    if (!S_ISREG(info.st_mode)) throw StoreError(path + ": not a regular file");
}

int schema_of(SQLite::Database& db, const std::string& path) {
    const std::string found =
        db.execAndGet("SELECT value FROM meta WHERE key = 'schema'").getString();
    int version = 0;
    const auto [end, error] = std::from_chars(found.data(), found.data() + found.size(), version);
    if (error != std::errc{} || version < 1 || version > schema_version) {
        throw StoreError(path + ": written by another version (schema " + found +
                         "); use that version, or give another `state`");
    }
    return version;
}

// A complete copy on the disk, before anything is changed.
void back_up(SQLite::Database& db, const std::string& path, int schema) {
    UniqueFd fd;
    std::string copy;
    for (int n = 1; n < 100 && !fd; ++n) {
        copy = backup_name(path, schema, n);
        fd.reset(::open(copy.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!fd && errno != EEXIST) break;
    }
    if (!fd) throw StoreError(fail_errno("open " + copy).value().what);
    // It accepts a file that exists and is empty.
    Statement into(db, "VACUUM INTO ?");
    into.bind(1, copy);
    into.exec();
    if (::fsync(fd.get()) != 0) throw StoreError(fail_errno("fsync " + copy).value().what);
}

void bring_up_to_date(SQLite::Database& db, const std::string& path) {
    const int found = schema_of(db, path);
    if (found == schema_version) return;
    back_up(db, path, found);
    SQLite::Transaction all(db, SQLite::TransactionBehavior::IMMEDIATE);
    // Another process may have done it while this one copied.
    for (int version = schema_of(db, path); version < schema_version; ++version)
        db.exec(steps[static_cast<std::size_t>(version)]);
    all.commit();
}

void create_tables(SQLite::Database& db) {
    SQLite::Transaction all(db, SQLite::TransactionBehavior::IMMEDIATE);
    if (db.execAndGet("SELECT count(*) FROM sqlite_master").getInt() != 0) return;
    for (const char* step : steps)
        db.exec(step);
    db.exec("PRAGMA application_id=" + std::to_string(application_id));
    all.commit();
}

[[noreturn]] void refuse_foreign(const std::string& path) {
    throw StoreError(path +
                     ": a SQLite database of another program, left as it is; give another `state`, "
                     "or, when nobody uses it, set it aside: mv -n " +
                     path + " " + path + ".set-aside");
}

void prepare(SQLite::Database& db, const std::string& path) {
    // Somebody may have it open, whose data would go on into a file under another name: it is not
    // set aside. Looked at first, so that one of another program that is damaged is not either.
    const int id = db.execAndGet("PRAGMA application_id").getInt();
    if (id != application_id && id != 0) refuse_foreign(path);
    const int tables = db.execAndGet("SELECT count(*) FROM sqlite_master").getInt();
    if (id == 0 && tables != 0) refuse_foreign(path);
    const std::string check = db.execAndGet("PRAGMA quick_check(1)").getString();
    if (check != "ok") {
        throw StoreDamaged(path + ": damaged (" + check + ")");
    }
    // Both return a row, which is why they are not exec'ed.
    db.execAndGet("PRAGMA journal_mode=WAL");
    db.exec("PRAGMA synchronous=FULL");
    db.exec("PRAGMA foreign_keys=ON");
    if (tables == 0) create_tables(db);
    bring_up_to_date(db, path);
}

}  // namespace

std::string backup_name(const std::string& path, int schema, int n) {
    return path + ".schema-" + std::to_string(schema) + (n > 1 ? "." + std::to_string(n) : "");
}

std::unique_ptr<SQLite::Database> open_state(const std::string& path, std::uint64_t most_bytes) {
    create_private(path);
    return guarded(path, [&] {
        auto db = std::make_unique<SQLite::Database>(path, SQLite::OPEN_READWRITE,
                                                     5000 /* ms to wait for a lock */);
        prepare(*db, path);
        if (most_bytes > 0) {
            const auto page =
                static_cast<std::uint64_t>(db->execAndGet("PRAGMA page_size").getInt64());
            // Returns a row. Never less than there is already.
            db->execAndGet("PRAGMA max_page_count=" + std::to_string(most_bytes / page));
        }
        return db;
    });
}

// Its log goes first: a new file beside an old log would be taken for the old one.
std::string set_aside(const std::string& path, const std::string& when) {
    std::string name;
    for (int n = 1; n < 100; ++n) {
        name = path + ".set-aside-" + when + (n > 1 ? "." + std::to_string(n) : "");
        if (::access(name.c_str(), F_OK) != 0 && errno == ENOENT) break;
    }
    for (const char* part : {"-wal", "-shm", ""}) {
        const std::string from = path + part;
        if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, (name + part).c_str(),
                        RENAME_NOREPLACE) != 0 &&
            (errno != ENOENT || *part == '\0')) {
            throw StoreError(fail_errno("rename " + from + " to " + name + part).value().what);
        }
    }
    return name;
}

}  // namespace oneloop::worker
