// Budget: how often a host may be asked, whoever asks.
//
// A token bucket per host: `burst` requests at once, `per_second` on average. What a host has asked
// for itself (Retry-After, "overload") holds for every watch of it and not only for the one that
// was told. Reads no clock. Not for when a watch is due (schedule.h). Pure; one thread.
#pragma once

#include <map>
#include <string>

#include "common/clock.h"

namespace oneloop::worker {

struct HostRule {
    std::string name;       // host and port
    double per_second = 1;  // 0: as often as one likes
    int burst = 2;
};

class Budget {
  public:
    // When a request that is wanted now may be sent; nothing is taken.
    [[nodiscard]] BootTime free_at(const HostRule& host, BootTime now) const;
    // Nobody is to ask this host before; long ago: it has not asked for calm.
    [[nodiscard]] BootTime paused_until(const HostRule& host) const;
    // As free_at, and it is taken: the next one has to wait for its own turn.
    BootTime take(const HostRule& host, BootTime now);
    // Nobody asks this host before `until`.
    void pause(const HostRule& host, BootTime until);

  private:
    // When the bucket will be full again, which says how full it is: one number instead of a level
    // and the time at which it was looked at.
    struct Bucket {
        BootTime full = BootTime::min();
        BootTime paused = BootTime::min();
    };
    std::map<std::string, Bucket> buckets_;
};

}  // namespace oneloop::worker
