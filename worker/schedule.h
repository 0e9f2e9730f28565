// schedule: when to poll next.
//
// Times are BootTime, which goes on during suspend; the wall clock is only used to remember a due
// time across a restart. Reads no clock and draws no random number: both are passed in.
// Pure; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "common/clock.h"

namespace oneloop::worker {

using std::chrono::milliseconds;

inline constexpr milliseconds default_every{30'000};
inline constexpr milliseconds shortest_every{10'000};          // politeness towards a real server
inline constexpr milliseconds shortest_every_loopback{1'000};  // nobody else is on loopback
inline constexpr milliseconds overload_pause{30'000};

struct Pace {
    milliseconds every = default_every;
    milliseconds floor = shortest_every;  // nothing makes the distance shorter
    double jitter = 0.1;                  // of `every`, to both sides
    bool align = false;                   // at multiples of `every` of the wall clock; no jitter
    milliseconds backoff_first{2'000};
    milliseconds backoff_longest{300'000};
};

struct PollResult {
    bool good = true;  // at least the reply could be read
    bool overload = false;
    std::optional<std::chrono::seconds> retry_after;
};

struct Plan {
    BootTime due;              // the next poll
    milliseconds distance{0};  // from the start of this poll to `due`
    unsigned failures = 0;     // in a row
    std::uint64_t missed = 0;  // periods that passed without a poll; they are not made up for
};

// `due`: when the poll that just ended should have started; `started`: when it did; `now`: after
// it. `roll` in [-1, 1] decides the jitter.
// A failure waits 2 s, 4 s, ... 5 min, but never less than `every`; Retry-After at least as long
// as it says; overload at least 30 s.
// `clock`: what the wall clock of the watch's zone showed at `started`, as a time since midnight of
// any day; for `align` alone. A poll that began late does not make the next one miss its instant:
// there the floor may be undercut by a tenth of itself, and is kept on average.
Plan next_poll(const Pace& pace, const PollResult& result, unsigned failures_before, BootTime due,
               BootTime started, BootTime now, double roll, std::chrono::nanoseconds clock = {});

// After a restart. `stored_due` and `stored_distance` are what the ledger kept, `wall` is now.
// Due in the past: at once, one poll for all that was missed. More than two distances ahead: the
// clock was set back meanwhile, and the due time is moved to one distance from now.
BootTime first_poll(std::optional<WallTime> stored_due, milliseconds stored_distance, WallTime wall,
                    BootTime now);

}  // namespace oneloop::worker
