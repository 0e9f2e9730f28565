#include "supervisor/change_gate.h"

namespace oneloop {

void ChangeGate::change(SteadyTime now, ChangeKind kind) {
    if (!burst_) {
        const Duration near = std::max(options_.stream, 2 * quiet_);
        const bool stream = options_.adaptive && last_settled_ && now - *last_settled_ < near;
        quiet_ = stream ? std::min(4 * quiet_, options_.longest_quiet) : options_.quiet;
        burst_ = Burst{now, now};
    }
    const Duration quiet =
        kind == ChangeKind::removed ? std::max(quiet_, options_.quiet_after_removal) : quiet_;
    // A write after a removal does not shorten the wait for the file that is still absent.
    burst_->quiet_until = std::max(burst_->quiet_until, now + quiet);
}

std::optional<SteadyTime> ChangeGate::deadline() const {
    if (!burst_) return std::nullopt;
    return std::min(burst_->quiet_until, burst_->first + options_.longest_burst);
}

bool ChangeGate::settle(SteadyTime now) {
    const auto due = deadline();
    if (!due || now < *due) return false;
    burst_.reset();
    last_settled_ = now;
    return true;
}

}  // namespace oneloop
