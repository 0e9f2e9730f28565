// console: the lines a person watches, as text.
//
// One line per tick; a block under it when something can be booked that could not be before.
// `pretty` is for a terminal, `logfmt` for a log file: one fact per line, keys in a fixed order.
// Writes nothing (poll_thread does, each text with a single write(2)). Pure; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/diff.h"

namespace oneloop::worker {

enum class Language { ko, en };
enum class LogFormat { pretty, logfmt };

struct Style {
    LogFormat format = LogFormat::pretty;
    Language language = Language::ko;
    std::string job;
};

// What became of one date in a tick.
enum class Source { starting, ok, empty, blocked, shape, down };
std::string_view name_of(Source source);  // as in /status

struct DateReport {
    Date date;
    Source source = Source::ok;
    std::string reason;          // when it failed
    std::vector<Item> matching;  // what the watch is about, in the order of the reply
    std::size_t bookable = 0;    // of these
    std::int64_t seats = 0;      // of those that can be booked
};

struct TickReport {
    std::string watch;  // its id
    std::string name;
    std::uint64_t tick = 0;
    LocalTime time;
    LocalTime next;
    std::string time_iso;  // RFC 3339 with offset, for logfmt
    std::string next_iso;
    int http = 0;  // of the last reply; 0 when there was none
    std::chrono::milliseconds took{0};
    std::size_t rows = 0;  // all rows of all dates
    unsigned failures = 0;
    std::uint64_t missed = 0;
    std::vector<DateReport> dates;
    std::vector<Event> events;  // only about matching showtimes
};

// The worst source of the dates, which is the tick's: one blocked date is not "ok".
Source overall(const std::vector<DateReport>& dates);

// True when the tick deserves a block: somebody can book what nobody could book before.
bool is_news(const Event& event);

// The line, and the block if there is one; ends with a newline.
std::string format_tick(const TickReport& report, const Style& style);

// A logfmt value: quoted when it must be, one line, quotes and backslashes escaped.
std::string logfmt_value(std::string_view text);

}  // namespace oneloop::worker
