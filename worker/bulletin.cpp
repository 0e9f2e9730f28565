#include "worker/bulletin.h"

#include <algorithm>
#include <tuple>

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
    if (!findings.down_told || findings.failures > 0) return std::nullopt;
    alerts.down_told = false;
    telling.about = Telling::About::up;
    if (!rule.recovery) return std::nullopt;
    return telling;
}

}  // namespace

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
    }
    for (const Channel& channel : channels) {
        const bool news = !telling.events.empty() && has(rule.channels, channel.id);
        const bool well = health && has(findings.health->channels, channel.id);
        if (!news && !well && !has(rule.channels, channel.id)) continue;
        const QueueState queue = queue_of(channel.id);
        Writer writer(channel, most_pending - std::min(most_pending, queue.pending), alerts);
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
