// quiet: hours of the day in which a channel says nothing.
//
// What is news meanwhile is held (held.h) and told in one digest afterwards. Local time of the
// configured zone. Pure; any thread.
#pragma once

#include <chrono>

#include "worker/calendar.h"

namespace oneloop::worker {

// Minutes since midnight; `from` is quiet, `to` is not. With `to` before `from` they go past
// midnight.
struct QuietHours {
    std::chrono::minutes from{0};
    std::chrono::minutes to{0};

    friend bool operator==(const QuietHours&, const QuietHours&) = default;
};

bool quiet_at(const QuietHours& hours, LocalTime now);
// How long they still are. Where clocks change in between, an hour off; it is asked again then.
std::chrono::seconds quiet_left(const QuietHours& hours, LocalTime now);

}  // namespace oneloop::worker
