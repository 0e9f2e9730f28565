#include "worker/held.h"

#include <algorithm>
#include <chrono>

namespace oneloop::worker {
namespace {

// After a failure, and while the channel's queue is full.
constexpr std::chrono::seconds again{30};

}  // namespace

const Channel* Held::channel_of(const std::string& id) const {
    const auto found = std::find_if(config_.channels.begin(), config_.channels.end(),
                                    [&](const Channel& channel) { return channel.id == id; });
    return found == config_.channels.end() ? nullptr : &*found;
}

WallTime Held::due_for(const Channel& channel, WallTime now) const {
    if (!channel.quiet) return now;
    const auto left = quiet_left(*channel.quiet, zone_.local(now));
    return left.count() > 0 ? std::chrono::floor<std::chrono::seconds>(now) + left : now;
}

void Held::look(Store& store, WallTime now) {
    due_.reset();
    for (const std::string& id : store.holding()) {
        if (const Channel* channel = channel_of(id))
            due_ = std::min(due_.value_or(WallTime::max()), due_for(*channel, now));
    }
}

Alerts Held::release(Store& store, WallTime now, std::uint64_t tick, const Lookup& lookup,
                     const Muted& muted) {
    due_ = now + again;  // if something below throws
    Alerts told;
    std::optional<WallTime> next;
    for (const std::string& id : store.holding()) {
        const Channel* channel = channel_of(id);
        if (!channel) continue;
        const WallTime due = due_for(*channel, now);
        if (due <= now && tell(store, *channel, now, tick, lookup, muted, told)) continue;
        next = std::min(next.value_or(WallTime::max()), std::max(due, now + again));
    }
    due_ = next;
    return told;
}

// False: there is no room in the channel's queue now.
bool Held::tell(Store& store, const Channel& channel, WallTime now, std::uint64_t tick,
                const Lookup& lookup, const Muted& muted, Alerts& told) {
    std::vector<HeldNews> held = store.held_for(channel.id);
    if (held.empty()) return true;
    const std::int64_t last = held.back().number;
    // A channel that was away from the configuration meanwhile: too old for anybody. Quiet hours
    // themselves make nothing too old.
    const auto longest = channel.rule.max_age + std::chrono::days(1);
    const auto dropped =
        std::erase_if(held, [&](const HeldNews& one) { return now - one.at > longest; });
    // What a person has muted meanwhile is not told, as if it were found now.
    std::erase_if(held, [&](const HeldNews& one) { return one.note.empty() && muted(one.watch); });
    const std::size_t recipients = std::max<std::size_t>(channel.to.size(), 1);
    if (store.queue_of(channel.id).pending + recipients > config_.most_pending) return false;
    for (HeldNews& one : held) {
        const Known* known = lookup(one.watch, one.event.item.id);
        if (known && same_showtime(known->item, one.event.item)) one.event.item = known->item;
    }
    Telling telling;
    telling.job = config_.job;
    telling.tick = tick;
    telling.wall = now;
    telling.local = zone_.local(now);
    telling.language = config_.language;
    std::map<std::string, std::string> names;
    for (const Watch& watch : config_.watches)
        names[watch.id] = watch.name;
    std::vector<NewMessage> messages;
    if (!held.empty()) messages = write_held(std::move(telling), held, names, channel);
    store.release(channel.id, last, messages, dropped, now);
    told.messages.insert(told.messages.end(), messages.begin(), messages.end());
    return true;
}

}  // namespace oneloop::worker
