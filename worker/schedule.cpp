#include "worker/schedule.h"

#include <algorithm>

namespace oneloop::worker {
namespace {

using std::chrono::duration_cast;

milliseconds back_off(const Pace& pace, unsigned failures) {
    milliseconds wait = pace.backoff_first;
    for (unsigned i = 1; i < failures && wait < pace.backoff_longest; ++i)
        wait *= 2;
    return std::min(wait, pace.backoff_longest);
}

// The first instant from `earliest` on at which the wall clock shows a multiple of the period.
BootTime aligned(BootTime earliest, milliseconds every, BootTime started,
                 std::chrono::nanoseconds clock) {
    const std::chrono::nanoseconds over = (clock + (earliest - started)) % every;
    return over.count() == 0 ? earliest : earliest + (every - over);
}

}  // namespace

Plan next_poll(const Pace& pace, const PollResult& result, unsigned failures_before, BootTime due,
               BootTime started, BootTime now, double roll, std::chrono::nanoseconds clock) {
    Plan plan;
    plan.failures = result.good ? 0 : failures_before + 1;
    const auto late = started - due;
    if (late > pace.every) plan.missed = static_cast<std::uint64_t>(late / pace.every);

    const double part = std::clamp(roll, -1.0, 1.0) * pace.jitter;
    const milliseconds jitter{
        static_cast<milliseconds::rep>(static_cast<double>(pace.every.count()) * part)};
    // Only what the server asked for may not be shortened by the jitter.
    milliseconds least = pace.floor;
    milliseconds wait = pace.every;
    if (!result.good) wait = std::max(wait, back_off(pace, plan.failures));
    if (pace.align) {
        // A period from where it should have begun, and not from where it did.
        least -= least / 10;
        if (wait > pace.every) least = std::max(least, wait);
    }
    if (result.overload) least = std::max(least, overload_pause);
    if (result.retry_after)
        least = std::max(least, duration_cast<milliseconds>(*result.retry_after));
    if (pace.align) {
        const BootTime first = aligned(started + least, pace.every, started, clock);
        plan.due = first < now ? aligned(now, pace.every, started, clock) : first;
        plan.missed += static_cast<std::uint64_t>((plan.due - first) / pace.every);
        plan.distance = duration_cast<milliseconds>(plan.due - started);
        return plan;
    }
    plan.distance = std::max(wait + jitter, least);

    plan.due = started + plan.distance;
    if (plan.due < now) {
        // The poll itself took longer than a period: stay in step instead of polling at once.
        const auto periods = (now - started) / plan.distance;
        plan.missed += static_cast<std::uint64_t>(periods);
        plan.due = started + (periods + 1) * plan.distance;
    }
    return plan;
}

BootTime first_poll(std::optional<WallTime> stored_due, milliseconds stored_distance, WallTime wall,
                    BootTime now) {
    if (!stored_due || *stored_due <= wall) return now;
    const auto ahead = *stored_due - wall;
    if (ahead > 2 * stored_distance) return now + stored_distance;
    return now + duration_cast<BootClock::duration>(ahead);
}

}  // namespace oneloop::worker
