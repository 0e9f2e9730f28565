#include "supervisor/notify_message.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>

namespace oneloop {
namespace {

using std::chrono::microseconds;

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || end != text.data() + text.size()) return std::nullopt;
    if (error == std::errc::result_out_of_range) return std::numeric_limits<Number>::max();
    if (error != std::errc{}) return std::nullopt;
    return value;
}

bool read_time(std::string_view text, std::optional<microseconds>& time) {
    const auto usec = number<std::uint64_t>(text);
    if (!usec) return false;
    const auto longest = static_cast<std::uint64_t>(longest_notify_time.count());
    time = *usec < longest ? microseconds(*usec) : longest_notify_time;
    return true;
}

// It is shown on terminals, where an escape sequence would do more than show.
std::string printable(std::string_view text) {
    std::string result(text);
    const auto byte = [&](std::size_t at) {
        return at < result.size() ? static_cast<unsigned char>(result[at]) : 0U;
    };
    for (std::size_t at = 0; at < result.size(); ++at) {
        // The second block of control characters, U+0080 to U+009F, is two bytes in UTF-8.
        const bool wide = byte(at) == 0xc2 && byte(at + 1) >= 0x80 && byte(at + 1) < 0xa0;
        if (wide) result[at + 1] = '?';
        if (wide || byte(at) < 0x20 || byte(at) == 0x7f) result[at] = '?';
    }
    return result;
}

bool read_flag(std::string_view value, bool& flag) {
    flag = flag || value == "1";
    return value == "1";
}

// False when the key is known and the value is none.
bool take(std::string_view key, std::string_view value, NotifyMessage& message) {
    if (key == "READY") return read_flag(value, message.ready);
    if (key == "STOPPING") return read_flag(value, message.stopping);
    if (key == "RELOADING") return read_flag(value, message.reloading);
    if (key == "BARRIER") return read_flag(value, message.barrier);
    if (key == "FDSTORE") return read_flag(value, message.fdstore);
    if (key == "WATCHDOG" && value == "trigger") return message.watchdog_trigger = true;
    if (key == "WATCHDOG") return read_flag(value, message.watchdog);
    if (key == "WATCHDOG_USEC") return read_time(value, message.watchdog_time);
    if (key == "EXTEND_TIMEOUT_USEC") return read_time(value, message.extend_timeout);
    if (key == "STATUS") {
        message.status = printable(value);
    } else if (key == "ERRNO") {
        const auto error = number<int>(value);
        if (!error || *error < 0) return false;
        message.error_number = error;
    }
    return true;
}

}  // namespace

Result<NotifyMessage> parse_notify_message(std::string_view datagram) {
    if (datagram.size() > longest_notify_message) {
        return fail("a message of the worker is longer than " +
                    std::to_string(longest_notify_message) + " bytes");
    }
    NotifyMessage message;
    while (!datagram.empty()) {
        const std::string_view line = datagram.substr(0, datagram.find('\n'));
        datagram.remove_prefix(std::min(line.size() + 1, datagram.size()));
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        if (!take(line.substr(0, equals), line.substr(equals + 1), message)) {
            message.bad.push_back(printable(line));
        }
    }
    return message;
}

}  // namespace oneloop
