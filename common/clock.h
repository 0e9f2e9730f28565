// The clocks in use, by purpose. Pure code takes time points and reads none of these.
#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>

namespace oneloop {

// Intervals, deadlines, back-off: never jumps, stands still during suspend (CLOCK_MONOTONIC).
using Steady = std::chrono::steady_clock;
using SteadyTime = Steady::time_point;
using Duration = Steady::duration;

// Pacing of polls: like Steady, but goes on during suspend, so that a resumed laptop does not
// trust what expired while it slept (clock_gettime(2), CLOCK_BOOTTIME, Linux 2.6.39).
struct BootClock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
    static time_point now() {
        timespec t{};
        ::clock_gettime(CLOCK_BOOTTIME, &t);
        return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
    }
};
using BootTime = BootClock::time_point;

// What people read: dates, log stamps.
using Wall = std::chrono::system_clock;
using WallTime = Wall::time_point;

}  // namespace oneloop
