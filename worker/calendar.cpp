#include "worker/calendar.h"

#include <fmt/format.h>

#include <algorithm>

namespace oneloop::worker {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::minutes;

// -1 when a character is not a digit.
int number(std::string_view digits) {
    int value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    return value;
}

constexpr int last_clock_hour = 29;
constexpr hours business_day_ends{6};

}  // namespace

std::optional<Date> parse_date(std::string_view text) {
    const bool dashed = text.size() == 10 && text[4] == '-' && text[7] == '-';
    if (!dashed && text.size() != 8) return std::nullopt;
    const int year = number(text.substr(0, 4));
    const int month = number(text.substr(dashed ? 5 : 4, 2));
    const int day = number(text.substr(dashed ? 8 : 6, 2));
    if (year < 0 || month < 0 || day < 0) return std::nullopt;
    const Date date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                    std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok()) return std::nullopt;
    return date;
}

std::string format_date(Date date, std::string_view pattern) {
    std::string text;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
        if (pattern[i] != '%') {
            text += pattern[i];
            continue;
        }
        switch (next) {
            case 'Y':
                text += fmt::format("{:04}", static_cast<int>(date.year()));
                break;
            case 'm':
                text += fmt::format("{:02}", static_cast<unsigned>(date.month()));
                break;
            case 'd':
                text += fmt::format("{:02}", static_cast<unsigned>(date.day()));
                break;
            case '%':
                text += '%';
                break;
            default:
                text += '%';
                continue;
        }
        ++i;
    }
    return text;
}

std::optional<minutes> parse_clock(std::string_view text) {
    const bool colon = text.size() == 5 && text[2] == ':';
    if (!colon && text.size() != 4) return std::nullopt;
    const int hour = number(text.substr(0, 2));
    const int minute = number(text.substr(colon ? 3 : 2, 2));
    if (hour < 0 || hour > last_clock_hour || minute < 0 || minute > 59) return std::nullopt;
    return minutes{hour * 60 + minute};
}

LocalTime at(Date date, minutes clock) {
    return local_days{date} + clock;
}

Date date_of(LocalTime time) {
    return Date{std::chrono::floor<days>(time)};
}

Date plus_days(Date date, int count) {
    return Date{local_days{date} + days{count}};
}

std::string format_local(LocalTime time) {
    return format_date(date_of(time), "%Y-%m-%d") + " " + format_clock(time);
}

std::string format_clock(LocalTime time) {
    const std::chrono::hh_mm_ss clock{time - std::chrono::floor<days>(time)};
    return fmt::format("{:02}:{:02}:{:02}", clock.hours().count(), clock.minutes().count(),
                       clock.seconds().count());
}

Date business_day(LocalTime now) {
    return date_of(now - business_day_ends);
}

std::vector<Date> dates_to_poll(const DateRule& rule, LocalTime now) {
    const Date today = date_of(now);
    std::vector<Date> dates = rule.list;
    if (rule.from && rule.to) {
        for (Date d = *rule.from; d <= *rule.to; d = plus_days(d, 1))
            dates.push_back(d);
    }
    for (int i = 0; i < rule.next; ++i)
        dates.push_back(plus_days(today, i));
    const Date first = business_day(now);
    if (rule.open) dates.push_back(first);
    std::erase_if(dates, [&](Date d) { return d < first; });
    std::sort(dates.begin(), dates.end());
    dates.erase(std::unique(dates.begin(), dates.end()), dates.end());
    return dates;
}

bool is_about(const DateRule& rule, const std::vector<Date>& dates, Date date) {
    if (rule.open) return date >= dates.front();
    return std::find(dates.begin(), dates.end(), date) != dates.end();
}

}  // namespace oneloop::worker
