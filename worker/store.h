// Store: what survives a restart.
//
// One SQLite file per job (WAL, synchronous=FULL): which tick comes next and what every showtime
// looked like. A tick is claimed before a byte is sent, so that a crash may lose a poll and never
// repeats one; its result is one transaction, together with the events and the messages about them.
// Not the lock that keeps a second process away (permit.h), and not what becomes of the messages
// (store_outbox.h). Used by the polling thread alone after main opened it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "worker/bulletin.h"
#include "worker/diff.h"
#include "worker/store_file.h"

namespace oneloop::worker {

struct WatchState {
    std::uint64_t tick = 0;                 // number of the last claimed tick
    std::optional<WallTime> due;            // of the next one, to the millisecond
    std::chrono::milliseconds distance{0};  // from the last poll to `due`, as planned
    unsigned failures = 0;                  // in a row
    std::optional<WallTime> last_ok;        // the last tick that read a reply
    std::optional<WallTime> down_told;      // when it was last told that its source fails
    std::string told;  // what the watch was about when all of it was told; empty: never yet
};

class Store {
  public:
    // See open_state.
    explicit Store(const std::string& path, std::uint64_t most_bytes = 0);
    // The same for whoever polls, and holds the job's lock: a file that is damaged is set aside and
    // a new one begun, which knows that; set_aside() says so.
    static Store open_or_begin(const std::string& path, std::uint64_t most_bytes, WallTime now);
    ~Store();
    Store(Store&&) noexcept;
    Store& operator=(Store&&) = delete;

    [[nodiscard]] WatchState load_watch(const std::string& watch);
    [[nodiscard]] Ledger load_items(const std::string& watch);

    // Compare-and-swap from `expected` to expected + 1, together with a provisional due time, so
    // that a crash in the middle does not poll again at once. False: somebody else has claimed.
    [[nodiscard]] bool claim_tick(const std::string& watch, std::uint64_t expected, WallTime due,
                                  std::chrono::milliseconds distance);

    [[nodiscard]] QueueState queue_of(const std::string& channel);

    // The result of the claimed tick `state.tick` at `now`, all or nothing. Showtimes of dates
    // before `oldest` are forgotten. A message whose key is there already is not written again.
    // False: the tick is no longer the last claimed one, nothing written.
    [[nodiscard]] bool commit(const std::string& watch, const WatchState& state,
                              const std::vector<Known>& rows, Date oldest,
                              const Alerts& alerts = {}, WallTime now = {});
    // How many events of the last commit were there already, and so are not told again.
    [[nodiscard]] std::uint64_t repeated() const { return repeated_; }

    // Where an earlier file of this job lies that could not be read, and since when.
    struct SetAside {
        std::string name;
        std::string why;
        WallTime at;
    };
    [[nodiscard]] std::optional<SetAside> set_aside_file();
    // Of the file, without its log.
    [[nodiscard]] std::uint64_t bytes();

    // store_held.cpp
    // The channels for which something is held back, and what, in order.
    [[nodiscard]] std::vector<std::string> holding();
    [[nodiscard]] std::vector<HeldNews> held_for(const std::string& channel);
    // `messages` instead of what is held for the channel up to `last`; `dropped` of it is in no
    // message. All or nothing.
    void release(const std::string& channel, std::int64_t last,
                 const std::vector<NewMessage>& messages, std::uint64_t dropped, WallTime now);

  private:
    void write_items(const std::string& watch, const std::vector<Known>& rows, Date oldest);
    void write_alerts(const std::string& watch, std::uint64_t tick, const Alerts& alerts,
                      WallTime now);
    void write_messages(const std::string& watch, const std::vector<NewMessage>& messages,
                        WallTime now);
    void count_untold(const std::string& channel, std::uint64_t number);
    void write_held(const std::vector<HeldNews>& news, WallTime now);

    std::unique_ptr<SQLite::Database> db_;
    std::uint64_t repeated_ = 0;
};

}  // namespace oneloop::worker
