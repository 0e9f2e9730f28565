// StoreReader: the state file for whoever shows it: the HTTP thread.
//
// A connection of its own, which waits for nobody longer than a moment. It makes no file and
// changes no table; what a person decides goes through OutboxStore and set_mute. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/diff.h"
#include "worker/prevented.h"
#include "worker/records.h"
#include "worker/store_file.h"

namespace oneloop::worker {

class StoreReader {
  public:
    // Nothing while there is no file, or none that has been polled for by this version.
    // Throws StoreError, as everything below.
    static std::unique_ptr<StoreReader> open(const std::string& path);
    ~StoreReader();

    // Showtimes are counted from the date `today` on, "20251202".
    [[nodiscard]] std::vector<WatchRow> watches(const std::string& today);
    [[nodiscard]] Ledger items(const std::string& watch);

    // The oldest `most` after `after`.
    [[nodiscard]] std::vector<JournalRow> journal(std::int64_t after, std::size_t most);
    // The newest tick of each watch.
    [[nodiscard]] std::vector<JournalRow> last_ticks();
    [[nodiscard]] std::int64_t first_id();
    [[nodiscard]] std::int64_t last_id();
    // The newest first, before `before` when it is not 0; of all watches when `watch` is empty.
    [[nodiscard]] std::vector<JournalRow> of_kind(const std::string& kind, const std::string& watch,
                                                  std::int64_t before, std::size_t most);

    struct EventQuery {
        std::string watch;  // empty: any
        std::string kind;   // the same
        std::string id;     // the same
        std::optional<WallTime> before;
        std::string before_id;
        std::size_t most = 50;
    };
    // The newest first, with their deliveries.
    [[nodiscard]] std::vector<EventRow> events(const EventQuery& query);

    // The newest first, before `before` when it is not 0; in any phase when `state` is empty.
    [[nodiscard]] std::vector<DeliveryRow> deliveries(const std::string& state, std::int64_t before,
                                                      std::size_t most);

    // Nothing: it is not mute any more.
    void set_mute(const std::string& watch, std::optional<WallTime> until);
    // What this process was refused or leaves to others, noted for whoever polls for this file, who
    // counts it. It is a number to look at: where it can't be noted, it is not.
    static void note_prevented(const std::string& path, Twice reason, WallTime at, int pid);
    // Not to be polled, since then; nothing: again. A pause that is there keeps its beginning.
    void set_pause(const std::string& watch, std::optional<WallTime> since);

  private:
    explicit StoreReader(std::unique_ptr<SQLite::Database> db);

    std::unique_ptr<SQLite::Database> db_;
};

}  // namespace oneloop::worker
