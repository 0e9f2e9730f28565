#include "worker/api_body.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace oneloop::worker {
namespace {

// `size` digits at `at`; -1: they are none.
int digits(std::string_view text, std::size_t at, std::size_t size) {
    if (at + size > text.size()) return -1;
    int value = 0;
    for (std::size_t i = at; i < at + size; ++i) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

}  // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text) {
    using namespace std::chrono;
    constexpr std::string_view form = "0000-00-00T00:00:00";
    if (text.size() < form.size()) return std::nullopt;
    for (std::size_t i = 0; i < form.size(); ++i) {
        const bool t = form[i] == 'T' && (text[i] == 'T' || text[i] == 't');
        if (form[i] != '0' && text[i] != form[i] && !t) return std::nullopt;
    }
    const year_month_day date(year(digits(text, 0, 4)),
                              month(static_cast<unsigned>(digits(text, 5, 2))),
                              day(static_cast<unsigned>(digits(text, 8, 2))));
    const int h = digits(text, 11, 2);
    const int m = digits(text, 14, 2);
    const int s = digits(text, 17, 2);
    // WallTime counts nanoseconds, which last until 2262.
    if (digits(text, 0, 4) < 1970 || digits(text, 0, 4) > 2200 || !date.ok() || h < 0 || h > 23 ||
        m < 0 || m > 59 || s < 0 || s > 60)
        return std::nullopt;
    std::string_view rest = text.substr(form.size());
    if (rest.starts_with('.')) {
        const auto end = rest.find_first_not_of("0123456789", 1);
        if (end == 1 || end == std::string_view::npos) return std::nullopt;
        rest = rest.substr(end);
    }
    minutes offset{0};
    if (rest.size() == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':') {
        const int hour = digits(rest, 1, 2);
        const int minute = digits(rest, 4, 2);
        if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return std::nullopt;
        offset = hours(hour) + minutes(minute);
        if (rest[0] == '-') offset = -offset;
    } else if (rest != "Z" && rest != "z") {
        return std::nullopt;
    }
    return WallTime(sys_days(date) + hours(h) + minutes(m) + seconds(s) - offset);
}

std::variant<WallTime, HttpAnswer> read_mute(const std::string& body, WallTime now) {
    const auto json = nlohmann::json::parse(body, nullptr, false);
    if (!json.is_object() || json.size() != 1 || !json.contains("until") ||
        !json["until"].is_string())
        return error_answer(400, "body", R"(the body is {"until":"2025-12-02T12:00:00+09:00"})");
    const auto until = parse_rfc3339(json["until"].get_ref<const std::string&>());
    if (!until) return error_answer(400, "body", "until is no RFC 3339 time");
    if (*until <= now) return error_answer(400, "past", "until is in the past");
    return *until;
}

}  // namespace oneloop::worker
