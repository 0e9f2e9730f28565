// The state file itself: made, recognised, brought up to date, refused.
//
// A file that is not ours, is damaged, or was written by a newer program is named and left exactly
// as it is. Before its tables are changed a file is copied beside itself.
// Not for what is in it: store.h (ticks and showtimes) and store_outbox.h (messages).
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

namespace SQLite {
class Database;
}

namespace oneloop::worker {

// The file is not ours, damaged, or can't be written.
struct StoreError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Creates the file (0600) or checks it. `path` is in an existing directory. Each thread opens its
// own. Throws StoreError.
std::unique_ptr<SQLite::Database> open_state(const std::string& path);

// Where the copy lies that was made before the tables of version `schema` were changed; `n` counts
// when there is one already: PATH.schema-1, PATH.schema-1.2, ...
std::string backup_name(const std::string& path, int schema, int n);

}  // namespace oneloop::worker
