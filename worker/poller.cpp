#include "worker/poller.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "worker/feed.h"

namespace oneloop::worker {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr int days_kept = 30;  // after its date a showtime is forgotten

std::int64_t to_seconds(WallTime time) {
    return duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

bool shown(const Known& known) {
    return known.state == State::available || known.state == State::sold_out;
}

// A tick that takes this long is stuck: every request of it timed out, two at a time, and more.
milliseconds patience(const Watch& watch, std::size_t requests) {
    return 2 * watch.pace.every + watch.timeout * static_cast<int>(requests / 2 + 2);
}

}  // namespace

// What a tick learned.
struct Poller::Reading {
    std::vector<DateReport> dates;
    std::vector<Event> events;  // of matching showtimes
    std::vector<Known> rows;    // for the ledger
    std::size_t row_count = 0;
    PollResult result;
    int http = 0;
    milliseconds took{0};
    bool any_read = false;
};

Poller::Poller(const Config& config, Store store, StatusBoard& board, Zone zone, Style style,
               Parts parts)
    : config_(config),
      store_(std::move(store)),
      board_(board),
      zone_(zone),
      style_(std::move(style)),
      parts_(std::move(parts)) {
    const Moment now = parts_.now();
    for (const Watch& watch : config_.watches) {
        Entry entry{&watch, store_.load_watch(watch.id), store_.load_items(watch.id), {}, {}};
        entry.due = first_poll(entry.state.due, std::max(entry.state.distance, watch.pace.every),
                               now.wall, now.boot);
        if (entry.state.last_ok)
            checked_ = std::max(checked_.value_or(WallTime{}), *entry.state.last_ok);
        entries_.push_back(std::move(entry));
    }
    publish(nullptr);
}

BootTime Poller::due() const {
    BootTime earliest = BootTime::max();
    for (const Entry& entry : entries_)
        earliest = std::min(earliest, entry.due);
    return earliest;
}

Poller::Outcome Poller::tick(Moment now, std::stop_token stop) {
    const auto found =
        std::min_element(entries_.begin(), entries_.end(),
                         [](const Entry& a, const Entry& b) { return a.due < b.due; });
    if (found == entries_.end() || found->due > now.boot) return Outcome::idle;
    Entry& entry = *found;
    const Watch& watch = *entry.watch;
    if (!parts_.may_continue()) return Outcome::refused;

    // If the store throws below, this tick is lost but not repeated in a hurry.
    const BootTime was_due = std::exchange(entry.due, now.boot + watch.pace.every);
    if (!store_.claim_tick(watch.id, entry.state.tick, now.wall + watch.pace.every,
                           watch.pace.every)) {
        ++duplicates_;
        entry.state = store_.load_watch(watch.id);
        entry.ledger = store_.load_items(watch.id);
        publish(nullptr);
        return Outcome::raced;
    }
    ++entry.state.tick;

    const LocalTime local = zone_.local(now.wall);
    const std::vector<Date> dates = dates_to_poll(watch.dates, local);
    std::vector<HttpRequest> requests;
    for (const Date date : dates) {
        HttpRequest request = make_request(watch.source, date, date_of(local));
        request.timeout = watch.timeout;
        request.user_agent = watch.user_agent;
        requests.push_back(std::move(request));
    }
    const std::vector<HttpReply> replies = parts_.fetch(requests, stop);
    if (stop.stop_requested()) return Outcome::stopped;

    const Moment ended = parts_.now();
    Reading reading = read_replies(entry, dates, replies, ended);
    if (!parts_.may_continue()) return Outcome::refused;
    entry.due = was_due;
    return finish(entry, std::move(reading), now, ended);
}

Poller::Reading Poller::read_replies(const Entry& entry, const std::vector<Date>& dates,
                                     const std::vector<HttpReply>& replies, Moment now) const {
    const Watch& watch = *entry.watch;
    const LocalTime local = zone_.local(now.wall);
    Reading reading;
    bool blocked = false;
    for (std::size_t i = 0; i < dates.size(); ++i) {
        const HttpReply& reply = replies[i];
        DateReport report{dates[i], Source::down, reply.error, {}};
        reading.took = std::max(reading.took, reply.took);
        if (reply.code != 0) reading.http = reply.code;
        if (!reply.error.empty()) {
            reading.dates.push_back(std::move(report));
            continue;
        }
        const Answer answer = read_reply(reply, watch.source, dates[i], date_of(local));
        const auto* rows = std::get_if<Rows>(&answer);
        if (rows || std::holds_alternative<Empty>(answer)) {
            static const std::vector<Item> none;
            const std::vector<Item>& items = rows ? rows->items : none;
            Difference difference =
                compare(entry.ledger, items, dates[i], local, to_seconds(now.wall));
            for (Event& event : difference.events) {
                if (matches(event.item, watch.where)) reading.events.push_back(std::move(event));
            }
            for (Known& known : difference.rows) {
                const bool matching = matches(known.item, watch.where);
                if (matching && shown(known)) report.matching.push_back(known.item);
                if (!matching) known.item.raw.clear();  // not shown, not worth the space
                reading.rows.push_back(std::move(known));
            }
            report.source = rows ? Source::ok : Source::empty;
            reading.row_count += items.size();
            reading.any_read = true;
        } else if (const auto* refusal = std::get_if<Blocked>(&answer)) {
            report.source = Source::blocked;
            report.reason = refusal->reason;
            blocked = true;
            reading.result.overload = reading.result.overload || refusal->overload;
            reading.result.retry_after = std::max(reading.result.retry_after, refusal->retry_after);
        } else {
            report.source = Source::shape;
            report.reason = std::get<ChangedShape>(answer).reason;
        }
        reading.dates.push_back(std::move(report));
    }
    // A refusal of one date slows the whole watch down; another failure only if nothing was read.
    reading.result.good = !blocked && (reading.any_read || dates.empty());
    return reading;
}

Poller::Outcome Poller::finish(Entry& entry, Reading reading, Moment started, Moment ended) {
    const Watch& watch = *entry.watch;
    const Plan plan = next_poll(watch.pace, reading.result, entry.state.failures, entry.due,
                                started.boot, ended.boot, parts_.roll());
    entry.due = plan.due;
    const WallTime due_wall = ended.wall + duration_cast<WallTime::duration>(plan.due - ended.boot);

    WatchState next = entry.state;
    next.due = due_wall;
    next.distance = plan.distance;
    next.failures = plan.failures;
    if (reading.any_read) next.last_ok = ended.wall;
    const Date oldest = plus_days(date_of(zone_.local(ended.wall)), -days_kept);
    const Alerts alerts = bulletin_of(entry, reading, plan.failures, ended);
    if (alerts.told) next.told = *alerts.told;
    if (alerts.down_told) next.down_told = *alerts.down_told;
    if (!store_.commit(watch.id, next, reading.rows, oldest, alerts, ended.wall)) {
        ++duplicates_;
        entry.state = store_.load_watch(watch.id);
        entry.ledger = store_.load_items(watch.id);
        publish(nullptr);
        return Outcome::raced;
    }
    entry.state = next;
    for (Known& known : reading.rows)
        entry.ledger.insert_or_assign(known.item.id, known);
    std::erase_if(entry.ledger, [&](const auto& row) { return row.second.item.date < oldest; });
    entry.source = overall(reading.dates);
    if (reading.any_read) checked_ = ended.wall;

    TickReport report;
    report.watch = watch.id;
    report.name = watch.name;
    report.tick = next.tick;
    report.time = zone_.local(ended.wall);
    report.next = zone_.local(due_wall);
    report.time_iso = zone_.rfc3339(ended.wall);
    report.next_iso = zone_.rfc3339(due_wall);
    report.http = reading.http;
    report.took = reading.took;
    report.rows = reading.row_count;
    report.failures = plan.failures;
    report.missed = plan.missed;
    report.dates = std::move(reading.dates);
    report.events = std::move(reading.events);
    publish(&entry);
    parts_.print(format_tick(report, style_));
    if (parts_.wrote && !alerts.messages.empty()) parts_.wrote(alerts);
    return Outcome::done;
}

Alerts Poller::bulletin_of(const Entry& entry, const Reading& reading, unsigned failures,
                           Moment now) {
    const Watch& watch = *entry.watch;
    Findings findings;
    findings.rule = &watch.alerts;
    findings.told.job = config_.job;
    findings.told.watch = watch.id;
    findings.told.name = watch.name;
    findings.told.tick = entry.state.tick;
    findings.told.wall = now.wall;
    findings.told.local = zone_.local(now.wall);
    findings.told.language = config_.language;
    findings.subject = subject_of(watch.source, watch.where, watch.dates);
    findings.told_before = entry.state.told;
    findings.any_read = reading.any_read;
    findings.health = &config_.health;
    findings.down_told = entry.state.down_told;
    findings.failures = failures;
    for (const DateReport& date : reading.dates) {
        if (!date.reason.empty())
            findings.reason = std::string(name_of(date.source)) + ": " + date.reason;
    }
    findings.events = reading.events;
    if (findings.told_before != findings.subject) {
        Ledger ledger = entry.ledger;
        for (const Known& known : reading.rows)
            ledger.insert_or_assign(known.item.id, known);
        const auto dates = dates_to_poll(watch.dates, findings.told.local);
        for (const auto& [id, known] : ledger) {
            const bool asked =
                std::find(dates.begin(), dates.end(), known.item.date) != dates.end();
            if (asked && shown(known) && matches(known.item, watch.where))
                findings.shown.push_back(known.item);
        }
    }
    return write_bulletin(findings, config_.channels, config_.most_pending,
                          [this](const std::string& channel) { return store_.queue_of(channel); });
}

void Poller::publish(const Entry* last) {
    const Moment now = parts_.now();
    Snapshot snapshot = *board_.read();
    snapshot.polling = true;
    snapshot.why_not.clear();
    snapshot.duplicates_prevented += std::exchange(duplicates_, 0);
    if (last) snapshot.tick = last->state.tick;
    if (checked_) snapshot.checked = format_local(zone_.local(*checked_));
    const BootTime next = due();
    snapshot.next = zone_.rfc3339(now.wall + duration_cast<WallTime::duration>(next - now.boot));

    std::vector<const Item*> shows;
    Source worst = Source::starting;
    snapshot.overdue.reset();
    for (const Entry& entry : entries_) {
        const auto dates = dates_to_poll(entry.watch->dates, zone_.local(now.wall));
        for (const auto& [id, known] : entry.ledger) {
            const bool asked =
                std::find(dates.begin(), dates.end(), known.item.date) != dates.end();
            const bool complete = !known.item.raw.empty() && shown(known);
            if (asked && complete && matches(known.item, entry.watch->where)) {
                shows.push_back(&known.item);
            }
        }
        worst = std::max(worst, entry.source);
        const BootTime late = entry.due + patience(*entry.watch, dates.size());
        snapshot.overdue = std::min(snapshot.overdue.value_or(BootTime::max()), late);
    }
    std::sort(shows.begin(), shows.end(), [](const Item* a, const Item* b) {
        return std::tie(a->date, a->start_clock, a->id) < std::tie(b->date, b->start_clock, b->id);
    });
    snapshot.rows.clear();
    snapshot.open = false;
    for (const Item* item : shows) {
        snapshot.rows.push_back(item->raw);
        snapshot.open = snapshot.open || !sold_out(*item);
    }
    // Of several watches: the worst, but "ok" before "empty".
    if (worst == Source::empty) {
        for (const Entry& entry : entries_) {
            if (entry.source == Source::ok) worst = Source::ok;
        }
    }
    snapshot.source = std::string(name_of(worst));
    board_.publish(std::move(snapshot));
}

}  // namespace oneloop::worker
