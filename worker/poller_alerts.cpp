// Poller: what quiet hours held back, now that they are over.
#include <algorithm>

#include "worker/poller.h"

namespace oneloop::worker {

BootTime Poller::held_due() const {
    const auto held = held_.due();
    if (!held) return BootTime::max();
    const Moment now = parts_.now();
    return now.boot + (*held - now.wall);
}

void Poller::tell_held(Moment now) {
    if (held_.due().value_or(WallTime::max()) > now.wall || !parts_.may_continue()) return;
    std::uint64_t tick = 0;
    for (const Entry& entry : entries_)
        tick = std::max(tick, entry.state.tick);
    Alerts told;
    (void)writing([&] {
        told = held_.release(store_, now.wall, tick,
                             [this](const std::string& watch, const std::string& item) {
                                 const Known* known = nullptr;
                                 for (const Entry& entry : entries_) {
                                     const auto found = entry.ledger.find(item);
                                     if (entry.watch->id == watch && found != entry.ledger.end())
                                         known = &found->second;
                                 }
                                 return known;
                             });
        return true;
    });
    if (parts_.wrote && !told.messages.empty()) parts_.wrote(told);
}

}  // namespace oneloop::worker
