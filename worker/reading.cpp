#include "worker/reading.h"

#include <algorithm>
#include <utility>

namespace oneloop::worker {
namespace {

// One date, put together from the sources of the watch.
struct Day {
    DateReport report;
    std::vector<Item> items;
    bool any_read = false;
    bool whole = true;  // all sources were read
};

bool failed(Source source) {
    return source != Source::ok && source != Source::empty;
}

void note_failure(Day& day, const Finding& finding, Source source, const std::string& reason) {
    day.whole = false;
    if (failed(day.report.source) && day.report.source >= source) return;
    day.report.source = source;
    day.report.reason = finding.source.empty() ? reason : finding.source + ": " + reason;
}

void add(Day& day, const Finding& finding, PollResult& result) {
    if (!finding.answer) {
        note_failure(day, finding, Source::down, finding.error);
    } else if (const auto* rows = std::get_if<Rows>(&*finding.answer)) {
        day.items.insert(day.items.end(), rows->items.begin(), rows->items.end());
        day.any_read = true;
        if (!failed(day.report.source)) day.report.source = Source::ok;
    } else if (std::holds_alternative<Empty>(*finding.answer)) {
        day.any_read = true;
    } else if (const auto* refusal = std::get_if<Blocked>(&*finding.answer)) {
        note_failure(day, finding, Source::blocked, refusal->reason);
        result.good = false;
        result.overload = result.overload || refusal->overload;
        result.retry_after = std::max(result.retry_after, refusal->retry_after);
    } else {
        note_failure(day, finding, Source::shape, std::get<ChangedShape>(*finding.answer).reason);
    }
}

// What the ledger is to hold, what is news, and what the watch is about.
void settle(Day& day, const Watch& watch, Difference difference, Reading& reading) {
    for (Event& event : difference.events) {
        if (matches(event.item, watch.where)) reading.events.push_back(std::move(event));
    }
    for (Known& known : difference.rows) {
        const bool matching = matches(known.item, watch.where);
        if (matching && shown(known)) day.report.matching.push_back(known.item);
        if (!matching) known.item.raw.clear();  // not shown, not worth the space
        reading.rows.push_back(std::move(known));
    }
}

}  // namespace

bool shown(const Known& known) {
    return known.state == State::available || known.state == State::sold_out;
}

Reading read_findings(const Watch& watch, const Ledger& known, const std::vector<Finding>& findings,
                      LocalTime local, std::int64_t wall, unsigned confirm) {
    Reading reading;
    for (auto next = findings.begin(); next != findings.end();) {
        const Date date = next->date;
        Day day;
        day.report.date = date;
        day.report.source = Source::empty;
        for (; next != findings.end() && next->date == date; ++next) {
            add(day, *next, reading.result);
            reading.took = std::max(reading.took, next->took);
            if (next->code != 0) reading.http = next->code;
        }
        if (day.any_read) {
            settle(day, watch, compare(known, day.items, date, local, wall, day.whole, confirm),
                   reading);
            reading.row_count += day.items.size();
            reading.any_read = true;
        }
        reading.dates.push_back(std::move(day.report));
    }
    // A refusal of one date slows the whole watch down; another failure only if nothing was read.
    if (!reading.any_read && !findings.empty()) reading.result.good = false;
    return reading;
}

}  // namespace oneloop::worker
