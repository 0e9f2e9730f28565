// Dates and printed times: cinema days run past midnight, so "25:10" is a time of the day it is
// printed under.
//
// Not for zones (zone.h) and not for reading a clock. Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oneloop::worker {

using Date = std::chrono::year_month_day;
using LocalTime = std::chrono::local_seconds;  // the wall clock of the configured zone

// "2025-12-03" or "20251203". Nothing else, and only days that exist.
std::optional<Date> parse_date(std::string_view text);

// strftime's %Y %m %d and %%; every other character stands for itself.
std::string format_date(Date date, std::string_view pattern);

// "HH:MM" or "HHMM" with HH 00-29: minutes since 00:00 of the date they are printed under.
std::optional<std::chrono::minutes> parse_clock(std::string_view text);

LocalTime at(Date date, std::chrono::minutes clock);
Date date_of(LocalTime time);
Date plus_days(Date date, int days);

// "YYYY-MM-DD HH:MM:SS".
std::string format_local(LocalTime time);
// "HH:MM:SS".
std::string format_clock(LocalTime time);

// Which dates a watch asks about.
struct DateRule {
    std::vector<Date> list;        // when not empty
    std::optional<Date> from, to;  // both or none; inclusive
    int next = 0;                  // today, today+1, ..., N of them
    bool open = false;             // today, and whatever the source lists as open
};

inline constexpr int most_dates = 31;  // per watch: each may be a request

// Until 06:00 it is still the day before, whose last show printed as 29:59 has not begun.
Date business_day(LocalTime now);

// The dates to ask about now, in order and without repetition. Past dates drop out; yesterday
// stays until 06:00, when the last show printed as 29:59 has begun.
// `open`: the first of them; the source knows the others.
std::vector<Date> dates_to_poll(const DateRule& rule, LocalTime now);
// Does the watch care about this date? `dates`: dates_to_poll of now.
bool is_about(const DateRule& rule, const std::vector<Date>& dates, Date date);

}  // namespace oneloop::worker
