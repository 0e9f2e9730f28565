#include "supervisor/content_rule.h"

#include <algorithm>

namespace oneloop {
namespace {

// Two ticks of the slowest kernel clock (HZ=100).
constexpr std::int64_t tick_ns = 20'000'000;

// To open and close a file costs as much as to read so many bytes.
constexpr std::uint64_t least_cost = 4096;
constexpr Duration refill = std::chrono::milliseconds(100);

}  // namespace

Sameness judge(const Fingerprint& known, const Fingerprint& now) {
    if (known.size != now.size) return Sameness::changed;
    if (now.size == 0) return Sameness::unchanged;
    if (now.size > most_hashed) {
        return known.modified_ns == now.modified_ns ? Sameness::unchanged : Sameness::changed;
    }
    if (known.hash == 0) return Sameness::changed;
    if (now.hash == 0) return Sameness::unread;
    return known.hash == now.hash ? Sameness::unchanged : Sameness::changed;
}

bool untouched(const Fingerprint& known, const Fingerprint& now) {
    return known.size == now.size && known.modified_ns == now.modified_ns &&
           known.status_ns == now.status_ns && known.inode == now.inode;
}

bool older_than(const Fingerprint& now, std::int64_t started_ns) {
    return now.status_ns < started_ns - tick_ns;
}

bool ReadBudget::take(std::uint64_t size, SteadyTime now) {
    if (filled_) {
        const Duration passed = std::clamp<Duration>(now - *filled_, Duration{}, refill);
        left_ += most_hashed * static_cast<std::uint64_t>(passed / std::chrono::microseconds(1)) /
                 static_cast<std::uint64_t>(refill / std::chrono::microseconds(1));
        left_ = std::min(left_, most_hashed);
    }
    filled_ = now;
    const std::uint64_t cost = std::max(size, least_cost);
    if (cost > left_) return false;
    left_ -= cost;
    return true;
}

}  // namespace oneloop
