#include "worker/herald.h"

#include <algorithm>
#include <utility>

namespace oneloop::worker {

Herald::Herald(ServiceManager manager) : manager_(std::move(manager)) {}

void Herald::serves_only(const std::string& why) {
    ready("serving, not polling: " + why);
    if (manager_.watchdog > Duration{}) say("WATCHDOG_USEC=0");
}

void Herald::waits(const std::string& why) {
    ready("serving, not polling: " + why);
}

void Herald::caught_up(const Snapshot& snapshot) {
    ready("tick " + std::to_string(snapshot.tick) + ", source " + snapshot.source +
          (snapshot.next.empty() ? "" : ", next " + snapshot.next));
}

void Herald::alive() {
    if (manager_.watchdog <= Duration{}) return;
    // Half of what is asked for, less what the last round may have taken.
    const SteadyTime now = Steady::now();
    const SteadyTime last = last_sign_.load();
    if (last != SteadyTime::min() && now - last < manager_.watchdog / 4) return;
    last_sign_ = now;
    say(notify::watchdog);
}

std::optional<Duration> Herald::left() const {
    if (manager_.watchdog <= Duration{}) return std::nullopt;
    const SteadyTime last = last_sign_.load();
    if (last == SteadyTime::min()) return manager_.watchdog;
    return std::max(Duration{}, manager_.watchdog - (Steady::now() - last));
}

std::chrono::milliseconds Herald::round() const {
    if (manager_.watchdog <= Duration{}) return longest_round;
    const auto quarter =
        std::chrono::duration_cast<std::chrono::milliseconds>(manager_.watchdog / 4);
    return std::clamp(quarter, std::chrono::milliseconds(1), longest_round);
}

void Herald::ready(const std::string& status) {
    const std::string line = notify::status(status);
    if (ready_ && line == status_) return;
    // To somebody who does not read now it is said again the next time round.
    if (!say(ready_ ? line : notify::ready + ("\n" + line))) return;
    ready_ = true;
    status_ = line;
}

bool Herald::say(const std::string& lines) {
    return tell(manager_, lines).has_value();
}

}  // namespace oneloop::worker
