#include "worker/reading.h"

#include <algorithm>
#include <set>
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

void note_part(const Finding& finding, const std::set<DatePart::Key>& unread, Reading& reading) {
    const auto* answer = finding.answer ? &*finding.answer : nullptr;
    const auto* rows = answer ? std::get_if<Rows>(answer) : nullptr;
    DatePart part{{finding.source, finding.date},
                  rows || (answer && std::holds_alternative<Empty>(*answer))};
    if (rows && unread.contains(part.key)) {
        for (const Item& item : rows->items)
            reading.first.insert(item.id);
    }
    reading.parts.push_back(std::move(part));
}

// Is the event about something that the watch is about, or was before it?
bool concerns(const Event& event, const Known* before, const std::vector<Condition>& where) {
    if (matches(event.item, where)) return true;
    // "At least two seats" is what a sold out showtime had, and has no more.
    return event.kind == EventKind::sold_out && before && matches(before->item, where);
}

// It could be booked before and can be now, but only now it is what the watch is about: with a
// second seat for example. Then that is news, when `confirm` polls in a row have shown it.
std::optional<Event> crossing(const Known& before, Known& now, const std::vector<Condition>& where,
                              unsigned confirm) {
    if (before.state != State::available || now.state != State::available ||
        now.transition != before.transition || !matches(now.item, where))
        return std::nullopt;
    if (matches(before.item, where) && before.waiting == 0) return std::nullopt;
    now.waiting = before.waiting + 1;
    if (now.waiting < confirm) return std::nullopt;
    now.waiting = 0;
    return Event{EventKind::available, now.item, ++now.transition};
}

// What the ledger is to hold, what is news, and what the watch is about.
void settle(Day& day, const Watch& watch, const Ledger& ledger, Difference difference,
            unsigned confirm, Reading& reading) {
    const auto before = [&](const std::string& id) {
        const auto found = ledger.find(id);
        return found == ledger.end() ? nullptr : &found->second;
    };
    for (Event& event : difference.events) {
        if (concerns(event, before(event.item.id), watch.where))
            reading.events.push_back(std::move(event));
    }
    for (Known& known : difference.rows) {
        if (const Known* old = before(known.item.id)) {
            if (auto event = crossing(*old, known, watch.where, confirm))
                reading.events.push_back(std::move(*event));
        }
        const bool matching = matches(known.item, watch.where);
        if (matching && shown(known)) day.report.matching.push_back(known.item);
        if (matching && bookable(known)) {
            ++day.report.bookable;
            day.report.seats += std::max(known.item.seats.value_or(0), 0);
        }
        if (!matching) known.item.raw.clear();  // not shown, not worth the space
        reading.rows.push_back(std::move(known));
    }
}

}  // namespace

bool bookable(const Known& known) {
    return known.state == State::available && known.waiting == 0;
}

bool shown(const Known& known) {
    return known.state == State::available || known.state == State::sold_out;
}

Reading read_findings(const Watch& watch, const Ledger& known, const std::vector<Finding>& findings,
                      LocalTime local, std::int64_t wall, unsigned confirm,
                      const std::set<DatePart::Key>& unread) {
    Reading reading;
    std::vector<Day> days;
    std::set<std::string> listed;  // of all dates: what moves to another one is not gone
    for (auto next = findings.begin(); next != findings.end();) {
        const Date date = next->date;
        Day day;
        day.report.date = date;
        day.report.source = Source::empty;
        for (; next != findings.end() && next->date == date; ++next) {
            add(day, *next, reading.result);
            note_part(*next, unread, reading);
            reading.took = std::max(reading.took, next->took);
            if (next->code != 0) reading.http = next->code;
        }
        for (const Item& item : day.items)
            listed.insert(item.id);
        days.push_back(std::move(day));
    }
    for (Day& day : days) {
        if (day.any_read) {
            settle(
                day, watch, known,
                compare(known, day.items, day.report.date, local, wall, day.whole, confirm, listed),
                confirm, reading);
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
