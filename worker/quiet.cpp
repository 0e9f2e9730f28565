#include "worker/quiet.h"

namespace oneloop::worker {
namespace {

using std::chrono::seconds;
constexpr seconds day{24 * 60 * 60};

seconds clock_of(LocalTime now) {
    return now - std::chrono::floor<std::chrono::days>(now);
}

}  // namespace

bool quiet_at(const QuietHours& hours, LocalTime now) {
    const seconds clock = clock_of(now);
    if (hours.from <= hours.to) return clock >= hours.from && clock < hours.to;
    return clock >= hours.from || clock < hours.to;
}

seconds quiet_left(const QuietHours& hours, LocalTime now) {
    if (!quiet_at(hours, now)) return seconds{0};
    const seconds left = hours.to - clock_of(now);
    return left > seconds{0} ? left : left + day;
}

}  // namespace oneloop::worker
