#include "worker/bulletin.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "worker/hash.h"

namespace oneloop::worker {
namespace {

// All that there is, as if it had opened now.
std::vector<Event> everything(std::vector<Item> shown) {
    std::sort(shown.begin(), shown.end(), [](const Item& a, const Item& b) {
        return std::tie(a.date, a.start_clock, a.id) < std::tie(b.date, b.start_clock, b.id);
    });
    std::vector<Event> events;
    for (Item& item : shown)
        events.push_back({EventKind::opened, std::move(item), 0});
    return events;
}

constexpr std::size_t most_held = 5000;  // of a channel

// Writes for one channel, or counts what there is no room for.
class Writer {
  public:
    Writer(const Channel& channel, std::size_t room, Alerts& alerts)
        : channel_(channel), room_(room), alerts_(alerts) {}

    bool write(const Telling& telling) {
        std::vector<NewMessage> messages = compose(telling, channel_);
        if (messages.size() > room_) {
            alerts_.overflow[channel_.id] += messages.size();
            return false;
        }
        room_ -= messages.size();
        for (NewMessage& message : messages)
            alerts_.messages.push_back(std::move(message));
        return true;
    }
    // In quiet hours.
    void hold(std::vector<HeldNews> news, std::size_t held_before) {
        for (HeldNews& one : news) {
            if (held_before++ >= most_held) {
                ++alerts_.overflow[channel_.id];
                continue;
            }
            one.channel = channel_.id;
            alerts_.held.push_back(std::move(one));
        }
    }
    [[nodiscard]] bool fits(std::size_t messages) const { return messages <= room_; }

  private:
    const Channel& channel_;
    std::size_t room_;
    Alerts& alerts_;
};

bool has(const std::vector<std::string>& ids, const std::string& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// What there is to be said about the source, if anything.
std::optional<Telling> health_of(const Findings& findings, Alerts& alerts) {
    const HealthRule& rule = *findings.health;
    Telling telling = findings.told;
    if (rule.channels.empty()) return std::nullopt;
    if (!findings.down_told && findings.failures >= rule.fail_after) {
        alerts.down_told = true;
        telling.about = Telling::About::down;
        telling.failures = findings.failures;
        telling.reason = findings.reason;
        return telling;
    }
    const auto since = telling.wall - findings.down_told.value_or(telling.wall);
    // Also when that was in the future: the clock was set back.
    if (findings.failures > 0 && rule.remind && (since >= *rule.remind || since < since.zero())) {
        alerts.down_told = true;
        telling.about = Telling::About::still_down;
        telling.failures = findings.failures;
        telling.reason = findings.reason;
        return telling;
    }
    if (!findings.down_told || findings.failures > 0) return std::nullopt;
    alerts.down_told = false;
    telling.about = Telling::About::up;
    if (!rule.recovery) return std::nullopt;
    return telling;
}

// A line that is held until the quiet hours are over.
HeldNews note_of(const Telling& telling, const std::string& line) {
    const std::string text = telling.name + ": " + line;
    return {"",
            name_for({"note", telling.job, telling.watch, std::to_string(telling.tick),
                      format_local(telling.local), text}),
            telling.watch, text};
}

// Why a source is said to fail, in the same line.
std::string in_a_line(const Telling& telling) {
    return headline(telling) + (telling.reason.empty() ? "" : " (" + telling.reason + ")");
}

// What is told otherwise, as what is held.
std::vector<HeldNews> to_hold(const Telling& telling) {
    std::vector<HeldNews> result;
    for (const std::string& note : telling.notes)
        result.push_back(note_of(telling, note));
    for (std::size_t i = 0; i < telling.events.size(); ++i) {
        const Event& event = telling.events[i];
        const bool news = telling.about == Telling::About::news;
        result.push_back({"", news ? telling.ids[i] : event_id(telling.job, telling.watch, event),
                          telling.watch, "", event});
    }
    return result;
}
}  // namespace

std::vector<NewMessage> write_held(Telling telling, const std::vector<HeldNews>& held,
                                   const std::map<std::string, std::string>& names,
                                   const Channel& channel) {
    telling.about = Telling::About::held;
    const auto name_of_watch = [&](const std::string& id) {
        const auto found = names.find(id);
        return found == names.end() ? id : found->second;
    };
    // Of each showtime what came last; in the order of their first.
    std::vector<std::pair<std::string, Event>> events;
    std::map<std::pair<std::string, std::string>, std::size_t> places;
    std::set<std::string> watches;
    for (const HeldNews& one : held) {
        telling.ids.push_back(one.id);
        watches.insert(one.watch);
        if (!one.note.empty()) {
            telling.notes.push_back(one.note);
            continue;
        }
        const auto [place, fresh] =
            places.try_emplace({one.watch, one.event.item.id}, events.size());
        if (fresh) {
            events.emplace_back(one.watch, one.event);
        } else {
            events[place->second].second = one.event;
        }
    }
    std::stable_sort(events.begin(), events.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [watch, event] : events) {
        telling.events.push_back(std::move(event));
        if (watches.size() > 1) telling.of.push_back(name_of_watch(watch));
    }
    telling.watch = watches.size() == 1 ? *watches.begin() : "";
    telling.name = watches.size() == 1 ? name_of_watch(*watches.begin()) : telling.job;
    return compose(telling, channel);
}

Alerts write_bulletin(const Findings& findings, const std::vector<Channel>& channels,
                      std::size_t most_pending,
                      const std::function<QueueState(const std::string& channel)>& queue_of) {
    Alerts alerts;
    const AlertRule& rule = *findings.rule;
    const std::optional<Telling> health = health_of(findings, alerts);
    Telling telling = findings.told;
    for (const Event& event : findings.events) {
        const std::string id = event_id(telling.job, telling.watch, event);
        alerts.events.push_back(
            {id, std::string(name_of(event.kind)), event.item.id, event.transition});
        if (rule.channels.empty() || !worth_telling(event, rule)) continue;
        telling.events.push_back(event);
        telling.ids.push_back(id);
    }
    if (!rule.channels.empty() && findings.any_read && findings.told_before != findings.subject) {
        alerts.told = findings.subject;
        telling.about = Telling::About::digest;
        telling.events = rule.digest ? everything(findings.shown) : std::vector<Event>{};
        if (findings.told_before.empty() && !findings.note.empty())
            telling.notes.push_back(findings.note);
    }
    for (const Channel& channel : channels) {
        const bool said = !telling.events.empty() || !telling.notes.empty();
        const bool news = said && has(rule.channels, channel.id);
        const bool well = health && has(findings.health->channels, channel.id);
        if (!news && !well && !has(rule.channels, channel.id)) continue;
        const QueueState queue = queue_of(channel.id);
        Writer writer(channel, most_pending - std::min(most_pending, queue.pending), alerts);
        if (channel.quiet && quiet_at(*channel.quiet, telling.local)) {
            std::vector<HeldNews> held;
            if (well) held.push_back(note_of(*health, in_a_line(*health)));
            if (news) {
                for (HeldNews& one : to_hold(telling))
                    held.push_back(std::move(one));
            }
            writer.hold(std::move(held), queue.held);
            continue;
        }
        const std::size_t recipients = std::max<std::size_t>(channel.to.size(), 1);
        if (queue.overflowed > 0 && writer.fits(recipients)) {
            Telling lost = findings.told;
            lost.about = Telling::About::overflow;
            lost.lost = queue.overflowed;
            writer.write(lost);
            alerts.overflow_told.push_back(channel.id);
        }
        if (well) writer.write(*health);
        if (news) writer.write(telling);
    }
    return alerts;
}

}  // namespace oneloop::worker
