// reading: what a tick has learned, from what became of its questions.
//
// Replies about one date are put together, whatever source of the watch they come from: one that
// failed takes nothing away and closes nothing.
// Not for asking (inquiry.h), storing or telling. Pure; any thread.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "worker/console.h"
#include "worker/diff.h"
#include "worker/feed.h"
#include "worker/watch.h"

namespace oneloop::worker {

// What became of one date at one source of the watch.
struct Finding {
    Date date;
    std::string source;  // its name; empty when the watch has one
    int code = 0;        // of HTTP; 0: no reply, or it was not asked
    std::chrono::milliseconds took{0};
    std::string error;             // set: there was no HTTP reply
    std::optional<Answer> answer;  // otherwise
};

// One date at one source of the watch.
struct DatePart {
    using Key = std::pair<std::string, Date>;
    Key key;
    bool read = false;
};

struct Reading {
    std::vector<DateReport> dates;
    std::vector<Event> events;    // of matching showtimes
    std::vector<Known> rows;      // for the ledger
    std::vector<DatePart> parts;  // of each finding
    std::set<std::string> first;  // what was listed by parts that had never been read
    std::size_t row_count = 0;
    PollResult result;
    int http = 0;
    std::chrono::milliseconds took{0};
    bool any_read = false;
};

// Somebody can book it, and has been or is told so: what `confirm` still holds back does not count.
bool bookable(const Known& known);

// Somebody may still want to go: confirmed, not gone and not begun.
bool shown(const Known& known);

// `findings`: by date. `wall`: the time of `local`, in seconds since the epoch. `confirm`: as
// compare() has it. `unread`: parts that have never been read so far.
Reading read_findings(const Watch& watch, const Ledger& known, const std::vector<Finding>& findings,
                      LocalTime local, std::int64_t wall, unsigned confirm,
                      const std::set<DatePart::Key>& unread = {});

}  // namespace oneloop::worker
