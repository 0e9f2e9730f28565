#include "supervisor/readiness.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace oneloop {
namespace {

// "3.0s", "0.25s"
std::string measured(Duration duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), seconds < 1 ? "%.2fs" : "%.1fs", seconds);
    return text.data();
}

// As it was written: "90s", "500ms"
std::string given(Duration duration) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    return ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms";
}

// One of RFC 9112's origin-form targets, or near enough: nothing that ends a request line.
bool is_target(std::string_view path) {
    return path.starts_with('/') && path.size() <= 1024 &&
           std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Result<ReadySpec> parse_ready(const std::string& text) {
    using By = ReadySpec::By;
    if (text == "none") return ReadySpec{By::started, ""};
    if (text == "notify") return ReadySpec{By::notify, ""};
    if (text == "socket") return ReadySpec{By::socket, ""};
    if (!text.starts_with("http:")) {
        return fail("--ready " + text + ": unknown; write none, notify, socket or http:/PATH");
    }
    const std::string path = text.substr(5);
    if (!is_target(path)) {
        return fail("--ready " + text +
                    ": the path begins with / and has no spaces: http:/healthz");
    }
    return ReadySpec{By::http, path};
}

void Readiness::spawned() {
    *this = Readiness(options_);
    alive_ = true;
    period_ = options_.watchdog;
}

void Readiness::started(SteadyTime now) {
    if (!alive_) return;
    started_at_ = now;
    if (options_.by == ReadySpec::By::started || said_ready_) return become_ready(now);
    if (options_.timeout > Duration{}) clock_.emplace(options_.timeout, now);
}

std::optional<Unresponsive> Readiness::said(const NotifyMessage& message, SteadyTime now) {
    if (message.status) status_ = *message.status;
    if (!alive_) return std::nullopt;
    if (message.watchdog_time && options_.watchdog > Duration{}) {
        const Duration wanted = *message.watchdog_time;
        period_ = wanted > Duration{} ? std::max(wanted, shortest_period) : wanted;
        if (ready()) {
            clock_.reset();
            if (period_ > Duration{}) clock_.emplace(period_, now);
        }
    }
    if (message.ready && options_.by == ReadySpec::By::notify && !ready()) {
        said_ready_ = true;
        if (started_at_) become_ready(now);
    }
    if (message.watchdog && expects_signs()) clock_->sign(now);
    // Only the time to get ready: nothing a worker says may make a stop longer.
    if (message.extend_timeout && clock_ && !ready())
        clock_->not_before(now + *message.extend_timeout);
    if (message.watchdog_trigger) return Unresponsive{"gave itself up (WATCHDOG=trigger)", true};
    return std::nullopt;
}

void Readiness::answered(SteadyTime now) {
    if (alive_ && started_at_ && !ready()) become_ready(now);
}

void Readiness::over() {
    alive_ = false;
    clock_.reset();
}

std::optional<SteadyTime> Readiness::deadline() const {
    if (!clock_) return std::nullopt;
    return clock_->deadline();
}

std::optional<Unresponsive> Readiness::looked(const Hold& found, SteadyTime now) {
    if (!clock_ || !clock_->looked(found, now)) return std::nullopt;
    if (!ready()) return Unresponsive{"was not ready within " + given(options_.timeout), false};
    const char* by = period_ == options_.watchdog ? "--watchdog " : "WATCHDOG_USEC, ";
    return Unresponsive{"said nothing for " + measured(now - clock_->last_sign()) + " (" + by +
                            given(period_) + ")",
                        true};
}

std::optional<Duration> Readiness::took(SteadyTime now) const {
    if (!alive_ || !started_at_) return std::nullopt;
    return ready_at_.value_or(now) - *started_at_;
}

void Readiness::become_ready(SteadyTime now) {
    ready_at_ = now;
    clock_.reset();
    if (period_ > Duration{}) clock_.emplace(period_, now);
}

}  // namespace oneloop
