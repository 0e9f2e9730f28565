#include "worker/budget.h"

#include <algorithm>

namespace oneloop::worker {
namespace {

BootTime::duration one(const HostRule& host) {
    return std::chrono::duration_cast<BootTime::duration>(
        std::chrono::duration<double>(1 / host.per_second));
}

}  // namespace

BootTime Budget::free_at(const HostRule& host, BootTime now) const {
    const auto found = buckets_.find(host.name);
    if (found == buckets_.end()) return now;
    const Bucket& bucket = found->second;
    BootTime at = std::max(now, bucket.paused);
    // `full` is far away by as many requests as have been taken; one more has to fit.
    if (host.per_second > 0 && bucket.full > now)
        at = std::max(at, bucket.full - one(host) * (host.burst - 1));
    return at;
}

BootTime Budget::paused_until(const HostRule& host) const {
    const auto found = buckets_.find(host.name);
    return found == buckets_.end() ? BootTime::min() : found->second.paused;
}

BootTime Budget::take(const HostRule& host, BootTime now) {
    const BootTime at = free_at(host, now);
    if (host.per_second > 0) {
        BootTime& full = buckets_[host.name].full;
        full = std::max(full, at) + one(host);
    }
    return at;
}

void Budget::pause(const HostRule& host, BootTime until) {
    BootTime& paused = buckets_[host.name].paused;
    paused = std::max(paused, until);
}

}  // namespace oneloop::worker
