#include "supervisor/watchdog.h"

#include <algorithm>

namespace oneloop {

Watchdog::Watchdog(Duration period, SteadyTime now) : period_(period), last_sign_(now) {
    begin(now);
}

void Watchdog::sign(SteadyTime now) {
    last_sign_ = now;
    hold_ = {};
    begin(now);
}

void Watchdog::change_period(Duration period, SteadyTime now) {
    period_ = period;
    sign(now);
}

void Watchdog::not_before(SteadyTime time) {
    at_best_ = std::max(at_best_, time);
}

bool Watchdog::looked(const Hold& found, SteadyTime now) {
    const bool was_held = !hold_.why.empty() && !hold_.over;
    const Duration late = now - next_look_;
    hold_ = found;
    if (hold_.why.empty() && late > patience_with_ourselves) {
        hold_ = {"the supervisor itself did not run", true};
    }
    if (!hold_.why.empty() && !hold_.over) {
        since_ = now;
        next_look_ = now + period_;
        return false;
    }
    if (was_held || hold_.over) {
        begin(now);
        return false;
    }
    plan(now);
    return now >= due();
}

SteadyTime Watchdog::due() const {
    return std::max(since_ + period_, at_best_);
}

void Watchdog::begin(SteadyTime now) {
    since_ = now;
    plan(now);
}

void Watchdog::plan(SteadyTime now) {
    next_look_ = std::min(due(), now + period_ / 4);
}

}  // namespace oneloop
