// Store: what survives a restart. The only file that names SQLiteCpp.
//
// One SQLite file per job (WAL, synchronous=FULL): which tick comes next and what every showtime
// looked like. A tick is claimed before a byte is sent, so that a crash may lose a poll and never
// repeats one; its result is one transaction.
// Not the lock that keeps a second process away (permit.h). Used by the polling thread alone after
// main opened it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/clock.h"
#include "worker/diff.h"

namespace oneloop::worker {

// The file is not ours, damaged, or can't be written. Thrown by everything below.
struct StoreError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct WatchState {
    std::uint64_t tick = 0;                 // number of the last claimed tick
    std::optional<WallTime> due;            // of the next one, to the millisecond
    std::chrono::milliseconds distance{0};  // from the last poll to `due`, as planned
    unsigned failures = 0;                  // in a row
    std::optional<WallTime> last_ok;        // the last tick that read a reply
};

class Store {
  public:
    // Creates the file (0600) or checks that it is a oneloop state file of this version. A file
    // that is something else is never touched. `path` is in an existing directory.
    explicit Store(const std::string& path);
    ~Store();
    Store(Store&&) noexcept;
    Store& operator=(Store&&) = delete;

    [[nodiscard]] WatchState load_watch(const std::string& watch);
    [[nodiscard]] Ledger load_items(const std::string& watch);

    // Compare-and-swap from `expected` to expected + 1, together with a provisional due time, so
    // that a crash in the middle does not poll again at once. False: somebody else has claimed.
    [[nodiscard]] bool claim_tick(const std::string& watch, std::uint64_t expected, WallTime due,
                                  std::chrono::milliseconds distance);

    // The result of the claimed tick `state.tick`, all or nothing. Showtimes of dates before
    // `oldest` are forgotten. False: the tick is no longer the last claimed one, nothing written.
    [[nodiscard]] bool commit(const std::string& watch, const WatchState& state,
                              const std::vector<Known>& rows, Date oldest);

  private:
    struct Database;
    std::unique_ptr<Database> db_;
};

}  // namespace oneloop::worker
