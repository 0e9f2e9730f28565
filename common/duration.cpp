#include "common/duration.h"

#include <fmt/format.h>

#include <charconv>

namespace oneloop {

using std::chrono::milliseconds;

Result<milliseconds> parse_duration(std::string_view text) {
    const auto bad = [&](std::string_view why) {
        return fail(
            fmt::format("'{}' is not a duration: {} (write 500ms, 10s, 5min or 2h)", text, why));
    };
    if (text == "0") return milliseconds{0};
    double number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (error != std::errc{}) return bad("no number at its start");
    const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
    double factor = 0;
    if (unit == "ms") {
        factor = 1;
    } else if (unit == "s") {
        factor = 1000;
    } else if (unit == "min" || unit == "m") {
        factor = 60'000;
    } else if (unit == "h") {
        factor = 3'600'000;
    } else {
        return bad(unit.empty() ? "the unit is missing" : "the unit is unknown");
    }
    const double value = number * factor;
    if (!(value >= 0)) return bad("it is negative");
    if (value > 1e12) return bad("it is too long");
    return milliseconds{static_cast<milliseconds::rep>(value + 0.5)};
}

std::string format_duration(milliseconds value) {
    const auto count = value.count();
    if (count < 1000) return fmt::format("{}ms", count);
    if (count % 3'600'000 == 0) return fmt::format("{}h", count / 3'600'000);
    if (count % 60'000 == 0) return fmt::format("{}min", count / 60'000);
    return fmt::format("{}s", static_cast<double>(count) / 1000.0);
}

}  // namespace oneloop
