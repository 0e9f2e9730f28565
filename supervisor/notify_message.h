// notify_message: what a worker says about itself, one datagram of sd_notify(3)'s protocol.
//
// Pure: bytes in, values out. Lines of KEY=VALUE; what is not known is skipped, for the protocol
// grows; what is known and makes no sense is named and has no effect. Not for the socket
// (notify_socket) and not for what follows from a message (readiness).
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace oneloop {

inline constexpr std::size_t longest_notify_message = 4096;

struct NotifyMessage {
    bool ready = false;
    bool stopping = false;
    bool reloading = false;
    bool watchdog = false;              // WATCHDOG=1: it lives
    bool watchdog_trigger = false;      // WATCHDOG=trigger: it gives itself up
    bool barrier = false;               // wants the descriptor that came along closed
    bool fdstore = false;               // wants descriptors kept
    std::optional<std::string> status;  // one line; control characters are replaced
    std::optional<int> error_number;
    // Both at most longest_notify_time. watchdog_time 0: it wants none.
    std::optional<std::chrono::microseconds> watchdog_time;
    std::optional<std::chrono::microseconds> extend_timeout;
    std::vector<std::string> bad;  // lines with a known key and a value that is none
    friend bool operator==(const NotifyMessage&, const NotifyMessage&) = default;
};

// Longer ones are taken for this: "for ever" is written as 2^64-1 by some.
inline constexpr std::chrono::microseconds longest_notify_time = std::chrono::hours(24);

// Error: longer than longest_notify_message. An empty datagram says nothing, and is no error.
Result<NotifyMessage> parse_notify_message(std::string_view datagram);

}  // namespace oneloop
