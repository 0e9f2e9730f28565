// Poller: whose turn it is.
//
// One watch after the other, as they are due. A watch whose host may not be asked now gives its
// turn away, before its tick and in the middle of it.
#include <algorithm>
#include <tuple>
#include <utility>

#include "common/log.h"
#include "worker/poller.h"

namespace oneloop::worker {
namespace {

std::int64_t to_seconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

BootTime Poller::due() const {
    const Moment now = parts_.now();
    const LocalTime local = zone_.local(now.wall);
    BootTime earliest = BootTime::max();
    for (const Entry& entry : entries_) {
        // The end of a watch is something to be seen and shown too.
        if (has_ended(*entry.watch, local) != entry.ended) return now.boot;
        if (!entry.idle()) earliest = std::min(earliest, entry.due);
    }
    return std::min(earliest, held_due());
}

// What the wall clock of the zone shows; of its days only the time since midnight is meant.
std::chrono::nanoseconds Poller::clock_at(WallTime wall) const {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(wall);
    return zone_.local(wall).time_since_epoch() + (wall - seconds);
}

bool Poller::learn_ends(WallTime now) {
    bool changed = false;
    const LocalTime local = zone_.local(now);
    for (Entry& entry : entries_) {
        const bool over = has_ended(*entry.watch, local);
        if (over == entry.ended) continue;
        entry.ended = over;
        if (over) entry.begun.reset();  // a tick that waits for its host is lost, as in a stop
        changed = true;
        log::info("{} {}, active_until {}", entry.watch->id,
                  over ? "is not polled any more" : "is polled again: the clock was set back",
                  format_date(*entry.watch->until, "%Y-%m-%d"));
    }
    return changed;
}

bool Poller::hurry(const std::string& watch, BootTime now) {
    for (Entry& entry : entries_) {
        if (entry.watch->id != watch || entry.idle()) continue;
        if (entry.begun) return entry.again = true;
        // Politeness stands above a person's impatience.
        const BootTime begun = entry.due - entry.state.distance;
        const BootTime soonest = std::max(now, begun + entry.watch->pace.floor);
        if (soonest >= entry.due) return false;
        entry.due = soonest;
        publish(nullptr);
        return true;
    }
    return false;
}

bool Poller::midway() const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [](const Entry& entry) { return entry.begun.has_value(); });
}

Poller::Entry* Poller::next_entry(BootTime now, bool& moved) {
    for (;;) {
        const auto found =
            std::min_element(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
                return std::tuple(a.idle(), a.due) < std::tuple(b.idle(), b.due);
            });
        if (found == entries_.end() || found->idle() || found->due > now) return nullptr;
        // Others are not held up by a host that has to be left alone for a while.
        const BootTime free = inquiry_.free_at(*found->watch, now);
        if (found->begun || found->along || free <= now) return &*found;
        found->due = free;
        moved = true;
    }
}

std::optional<Poller::Begun> Poller::begin(Entry& entry, Moment now) {
    const Watch& watch = *entry.watch;
    Begun begun;
    begun.at = now;
    // If the store throws, this tick is lost but not repeated in a hurry.
    begun.due = std::exchange(entry.due, now.boot + watch.pace.every);
    lag_ = std::max(now.boot - begun.due, BootTime::duration{0});
    begun.claimed = writing([&] {
        return store_.claim_tick(watch.id, entry.state.tick, now.wall + watch.pace.every,
                                 watch.pace.every);
    });
    if (!begun.claimed && trouble_.empty()) {
        prevented_.add(Twice::tick);
        entry.state = store_.load_watch(watch.id);
        entry.ledger = store_.load_items(watch.id);
        publish(nullptr);
        return std::nullopt;
    }
    if (begun.claimed) ++entry.state.tick;
    entry.polled = now.boot;
    entry.along = false;
    begun.round = inquiry_.begin(watch, zone_.local(now.wall), entry.answered);
    return begun;
}

Poller::Outcome Poller::tick(Moment now, std::stop_token stop) {
    if (!tell_held(now)) return Outcome::refused;
    if (learn_ends(now.wall)) publish(nullptr);
    bool moved = false;
    Entry* const found = next_entry(now.boot, moved);
    if (!found) {
        // Who waits as long as a host has asked for is not overdue.
        if (moved) publish(nullptr);
        return Outcome::idle;
    }
    Entry& entry = *found;
    const Watch& watch = *entry.watch;
    if (!parts_.may_continue()) return Outcome::refused;

    // Out of the entry, so that whatever is thrown below ends this tick and not the watch.
    std::optional<Begun> begun = std::exchange(entry.begun, std::nullopt);
    if (begun) {
        entry.due = now.boot + watch.pace.every;
    } else {
        begun = begin(entry, now);
        if (!begun) return Outcome::raced;
    }
    inquiry_.go_on(begun->round, entry.ledger, stop);
    if (stop.stop_requested()) return Outcome::stopped;
    const Moment ended = parts_.now();
    if (begun->round.done()) {
        entry.answered = ended.boot;
    } else {
        entry.due = std::max(inquiry_.free_at(watch, ended.boot), begun->round.rests);
        entry.begun = std::move(begun);
        return Outcome::waiting;
    }

    // What a new watch finds is told at once, as a digest: it is no opening.
    const unsigned confirm = digest_due(entry) ? 1 : watch.confirm;
    Reading reading =
        read_findings(watch, entry.ledger, begun->round.findings, zone_.local(ended.wall),
                      to_seconds(ended.wall), confirm, entry.unread);
    if (!parts_.may_continue()) return Outcome::refused;
    entry.due = begun->due;
    const Outcome outcome = finish(entry, std::move(reading), begun->at, ended, begun->claimed);
    take_along(entry, begun->at.boot);
    if (std::exchange(entry.again, false)) hurry(watch.id, ended.boot);
    return outcome;
}

// Who asks the same questions is polled now, with the replies that are there, instead of asking
// again in a moment. From then on both go in step, unless one has its own: `align`.
void Poller::take_along(const Entry& polled, BootTime now) {
    if (!inquiry_.has_company(*polled.watch)) return;
    for (Entry& other : entries_) {
        if (&other == &polled || other.begun || other.idle() || other.watch->pace.align ||
            !inquiry_.same_questions(*other.watch, *polled.watch))
            continue;
        const auto period = std::min(other.watch->pace.every, polled.watch->pace.every);
        const bool rested = other.polled == BootTime::min() || now - other.polled > period / 2;
        if (!rested || other.due > now + period) continue;
        other.due = std::min(other.due, now);
        other.along = true;
    }
}

}  // namespace oneloop::worker
