// The state file itself: made, recognised, brought up to date, refused.
//
// A file that is not ours, is damaged, or was written by a newer program is named and left exactly
// as it is; a damaged one can be set aside, whole, under another name. Before its tables are
// changed a file is copied beside itself. Not for what is in it: store.h (ticks and showtimes) and
// store_outbox.h (messages).
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace SQLite {
class Database;
}

namespace oneloop::worker {

// What the file may hold at most.
struct StoreLimits {
    std::uint64_t most_bytes = 256ULL * 1024 * 1024;
    std::uint64_t most_events = 100'000;  // of what was news, beside what waits to be told
};

// The file is not ours, damaged, or can't be written.
struct StoreError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// It holds no readable state: another kind of file, or one that was damaged.
struct StoreDamaged : StoreError {
    using StoreError::StoreError;
};

// It is there and can't be written now: a full disk, a disk that turned read-only or fails, a file
// that has reached its limit.
struct StoreUnwritable : StoreError {
    using StoreError::StoreError;
};

// Creates the file (0600) or checks it. `path` is in an existing directory. Each thread opens its
// own. Throws StoreError.
// `most_bytes` is how large this connection lets the file get; 0: no limit.
std::unique_ptr<SQLite::Database> open_state(const std::string& path, std::uint64_t most_bytes = 0);

// Renames the file and what SQLite keeps beside it. Nothing that exists is overwritten and nothing
// is lost. Only for whoever holds the job's lock. Returns the new name, with `when` in it; throws
// StoreError.
std::string set_aside(const std::string& path, const std::string& when);

// Where the copy lies that was made before the tables of version `schema` were changed; `n` counts
// when there is one already: PATH.schema-1, PATH.schema-1.2, ...
std::string backup_name(const std::string& path, int schema, int n);

}  // namespace oneloop::worker
