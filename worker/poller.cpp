#include "worker/poller.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "worker/mute.h"

namespace oneloop::worker {
namespace {

using std::chrono::duration_cast;

constexpr int days_kept = 30;  // after its date a showtime is forgotten

}  // namespace

Poller::Poller(const Config& config, Store store, StatusBoard& board, Zone zone, Style style,
               Parts parts)
    : config_(config),
      store_(std::move(store)),
      board_(board),
      zone_(zone),
      style_(std::move(style)),
      parts_(std::move(parts)),
      inquiry_(config_.watches, parts_.fetch, [this] { return parts_.now().boot; }),
      held_(config, zone) {
    const Moment now = parts_.now();
    for (const Watch& watch : config_.watches) {
        Entry entry{&watch, store_.load_watch(watch.id), store_.load_items(watch.id), {}, {}};
        entry.due = first_poll(entry.state.due, std::max(entry.state.distance, watch.pace.every),
                               now.wall, now.boot);
        if (entry.state.last_ok)
            checked_ = std::max(checked_.value_or(WallTime{}), *entry.state.last_ok);
        entries_.push_back(std::move(entry));
    }
    learn_pauses(now.boot);
    learn_ends(now.wall);
    held_.look(store_, now.wall);
    learn_of_new_file(now.wall);
    publish(nullptr);
}

Poller::Outcome Poller::finish(Entry& entry, Reading reading, Moment started, Moment ended,
                               bool claimed) {
    const Watch& watch = *entry.watch;
    const Plan plan = next_poll(watch.pace, reading.result, entry.state.failures, entry.due,
                                started.boot, ended.boot, parts_.roll(), clock_at(started.wall));
    entry.due = plan.due;
    const WallTime due_wall = ended.wall + duration_cast<WallTime::duration>(plan.due - ended.boot);

    WatchState next = entry.state;
    next.due = due_wall;
    next.distance = plan.distance;
    next.failures = plan.failures;
    if (reading.any_read) next.last_ok = ended.wall;
    const Date oldest = plus_days(date_of(zone_.local(ended.wall)), -days_kept);
    Alerts alerts;
    const bool stored =
        claimed && writing([&] {
            alerts = bulletin_of(entry, reading, plan.failures, ended);
            return store_.commit(watch.id, next, reading.rows, oldest, alerts, ended.wall);
        });
    if (!stored && !trouble_.empty()) return unsaved(entry, std::move(reading), next, ended);
    if (!stored) {
        prevented_.add(Twice::write);
        entry.state = store_.load_watch(watch.id);
        entry.ledger = store_.load_items(watch.id);
        publish(nullptr);
        return Outcome::raced;
    }
    prevented_.add(Twice::event, store_.repeated());
    const bool begins = alerts.told && !watch.alerts.digest;
    for (const DatePart& part : reading.parts) {
        if (part.read) entry.unread.erase(part.key);
        if (!part.read && begins) entry.unread.insert(part.key);
    }
    entry.state = next;
    remember(entry.state, alerts, ended.wall);
    entry.unsaved.clear();
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
    if (parts_.ticked) parts_.ticked(report);
    if (!alerts.held.empty()) held_.look(store_, ended.wall);
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
    findings.subject = subject_of(watch.sources, watch.where, watch.dates);
    findings.told_before = entry.state.told;
    findings.any_read = reading.any_read;
    findings.health = &config_.health;
    findings.down_told = entry.state.down_told;
    findings.note = note_;
    findings.failures = failures;
    for (const DateReport& date : reading.dates) {
        if (!date.reason.empty())
            findings.reason = std::string(name_of(date.source)) + ": " + date.reason;
    }
    findings.events = reading.events;
    std::erase_if(findings.events, [&](const Event& event) {
        return event.kind == EventKind::opened && reading.first.contains(event.item.id);
    });
    if (findings.told_before != findings.subject) {
        Ledger ledger = entry.ledger;
        for (const Known& known : reading.rows)
            ledger.insert_or_assign(known.item.id, known);
        const auto dates = dates_to_poll(watch.dates, findings.told.local);
        for (const auto& [id, known] : ledger) {
            const bool asked = is_about(watch.dates, dates, known.item.date);
            if (asked && shown(known) && matches(known.item, watch.where))
                findings.shown.push_back(known.item);
        }
    }
    Alerts alerts =
        write_bulletin(findings, config_.channels, config_.most_pending,
                       [this](const std::string& channel) { return store_.queue_of(channel); });
    return parts_.muted && parts_.muted(watch.id) ? silenced(std::move(alerts)) : alerts;
}

void Poller::publish(const Entry* last) {
    const Moment now = parts_.now();
    Snapshot snapshot = *board_.read();
    snapshot.polling = true;
    snapshot.why_not.clear();
    snapshot.prevented.add(std::exchange(prevented_, {}));
    snapshot.asked = inquiry_.asked();
    snapshot.lag = lag_;
    if (last) snapshot.tick = last->state.tick;
    snapshot.store = {trouble_, unsaved_ticks_, store_bytes(), aside_};
    if (checked_) snapshot.checked = format_local(zone_.local(*checked_));
    const BootTime next = due();
    snapshot.next.clear();
    if (next != BootTime::max())
        snapshot.next =
            zone_.rfc3339(now.wall + duration_cast<WallTime::duration>(next - now.boot));

    std::vector<const Known*> shows;
    Source worst = Source::starting;
    snapshot.overdue.reset();
    snapshot.paused.clear();
    snapshot.ended.clear();
    for (const Entry& entry : entries_) {
        const DateRule& rule = entry.watch->dates;
        const auto dates = dates_to_poll(rule, zone_.local(now.wall));
        for (const auto& [id, known] : entry.unsaved.empty() ? entry.ledger : entry.unsaved) {
            const bool asked = is_about(rule, dates, known.item.date);
            const bool complete = !known.item.raw.empty() && shown(known);
            if (asked && complete && matches(known.item, entry.watch->where)) {
                shows.push_back(&known);
            }
        }
        snapshot.free[entry.watch->id] = inquiry_.free_at(*entry.watch, now.boot);
        if (entry.paused) {
            snapshot.paused.push_back(entry.watch->id);
            continue;
        }
        if (entry.ended) {
            snapshot.ended.push_back(entry.watch->id);
            continue;
        }
        worst = std::max(worst, entry.source);
        const std::size_t questions =
            entry.watch->sources.size() * (rule.open ? std::size_t{most_dates} : dates.size());
        const BootTime late =
            entry.due + 2 * entry.watch->pace.every + Inquiry::patience(*entry.watch, questions);
        snapshot.overdue = std::min(snapshot.overdue.value_or(BootTime::max()), late);
    }
    std::sort(shows.begin(), shows.end(), [](const Known* one, const Known* other) {
        const Item& a = one->item;
        const Item& b = other->item;
        return std::tie(a.date, a.start_clock, a.id) < std::tie(b.date, b.start_clock, b.id);
    });
    snapshot.rows.clear();
    snapshot.open = false;
    for (const Known* known : shows) {
        snapshot.rows.push_back(known->item.raw);
        snapshot.open = snapshot.open || bookable(*known);
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
