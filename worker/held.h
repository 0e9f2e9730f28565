// Held: tells, in one digest, what a channel's quiet hours held back.
//
// What is news in quiet hours is stored with the poll that found it (bulletin.h). As soon as they
// are over, it is replaced by one message for each recipient, in one transaction: a crash repeats
// and loses nothing. Not for what is quiet (quiet.h). The polling thread's.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "worker/config.h"
#include "worker/store.h"
#include "worker/zone.h"

namespace oneloop::worker {

class Held {
  public:
    // What is known of a showtime now; null: nothing.
    using Lookup = std::function<const Known*(const std::string& watch, const std::string& item)>;

    using Muted = std::function<bool(const std::string& watch)>;

    Held(const Config& config, Zone zone) : config_(config), zone_(zone) {}

    // When there is something to be told; none: nothing is held.
    [[nodiscard]] std::optional<WallTime> due() const { return due_; }
    // Looks what is held, after a start and after it was written. Throws StoreError, as below.
    void look(Store& store, WallTime now);
    // Tells what is due, but nothing about a muted watch. Returns what was written.
    Alerts release(Store& store, WallTime now, std::uint64_t tick, const Lookup& lookup,
                   const Muted& muted);

  private:
    [[nodiscard]] const Channel* channel_of(const std::string& id) const;
    [[nodiscard]] WallTime due_for(const Channel& channel, WallTime now) const;
    bool tell(Store& store, const Channel& channel, WallTime now, std::uint64_t tick,
              const Lookup& lookup, const Muted& muted, Alerts& told);

    const Config& config_;
    Zone zone_;
    std::optional<WallTime> due_;
};

}  // namespace oneloop::worker
