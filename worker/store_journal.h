// Journal: what has happened, one row after the other, in the state file.
//
// The stream of the API is this table, which is why its ids go on where they were after a restart.
// Events and messages are noted by triggers, in the transaction that changes them, whichever
// process that is; ticks by the polling thread, after theirs. It is for looking at: a row that a
// crash loses is missing in a chart and nowhere else. At most `most_rows`, the oldest go. Also
// which watches are mute, and until when, and which are paused. Used by the polling thread alone.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "common/clock.h"
#include "worker/store_file.h"

namespace oneloop::worker {

class Journal {
  public:
    // The file as Store has left it. Throws StoreError, as everything below.
    explicit Journal(const std::string& path, std::int64_t most_rows = 50'000);
    ~Journal();

    // `data` is a JSON object.
    void note(WallTime at, const std::string& kind, const std::string& watch,
              const std::string& data);
    // The data of the newest row about this watch; empty: there is none.
    [[nodiscard]] std::string last(const std::string& kind, const std::string& watch);
    [[nodiscard]] bool muted(const std::string& watch, WallTime now);
    [[nodiscard]] std::set<std::string> paused();
    // Grows with each process that polls for this file: which one it is.
    [[nodiscard]] std::uint64_t next_epoch();

  private:
    void prune(WallTime now);

    std::unique_ptr<SQLite::Database> db_;
    std::int64_t most_rows_;
    int since_pruned_ = 0;
};

}  // namespace oneloop::worker
