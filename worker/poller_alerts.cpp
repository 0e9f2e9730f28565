// Poller: what is told of a watch otherwise than as news, and what a person does not want now: what
// quiet hours held back, now that they are over, and watches that are paused or have ended.
#include <algorithm>

#include "common/log.h"
#include "worker/poller.h"

namespace oneloop::worker {

// Is all that there is to be told with the next reply?
bool Poller::digest_due(const Entry& entry) {
    const Watch& watch = *entry.watch;
    return !watch.alerts.channels.empty() &&
           entry.state.told != subject_of(watch.sources, watch.where, watch.dates);
}

BootTime Poller::held_due() const {
    const auto held = held_.due();
    if (!held) return BootTime::max();
    const Moment now = parts_.now();
    return now.boot + (*held - now.wall);
}

bool Poller::tell_held(Moment now) {
    if (held_.due().value_or(WallTime::max()) > now.wall) return true;
    if (!parts_.may_continue()) return false;
    std::uint64_t tick = 0;
    for (const Entry& entry : entries_)
        tick = std::max(tick, entry.state.tick);
    Alerts told;
    (void)writing([&] {
        told = held_.release(
            store_, now.wall, tick,
            [this](const std::string& watch, const std::string& item) {
                const Known* known = nullptr;
                for (const Entry& entry : entries_) {
                    const auto found = entry.ledger.find(item);
                    if (entry.watch->id == watch && found != entry.ledger.end())
                        known = &found->second;
                }
                return known;
            },
            [this](const std::string& watch) { return parts_.muted && parts_.muted(watch); });
        return true;
    });
    if (parts_.wrote && !told.messages.empty()) parts_.wrote(told);
    return true;
}

// True: something has changed.
bool Poller::learn_pauses(BootTime now) {
    const auto paused = parts_.paused ? parts_.paused() : std::set<std::string>();
    bool changed = false;
    for (Entry& entry : entries_) {
        const bool pause = paused.contains(entry.watch->id);
        changed = changed || pause != entry.paused;
        // Periods that nobody wanted were not missed.
        if (entry.paused && !pause) entry.due = std::max(entry.due, now);
        // A tick that waits for its host is lost, as in a stop.
        if (pause) entry.begun.reset();
        entry.paused = pause;
    }
    return changed;
}

void Poller::heed_pauses(BootTime now) {
    try {
        if (learn_pauses(now)) publish(nullptr);
    } catch (const StoreError& error) {
        log::warn("what is paused can't be read: {}", error.what());
    }
}

}  // namespace oneloop::worker
