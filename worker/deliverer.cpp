#include "worker/deliverer.h"

#include <algorithm>
#include <utility>

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;

constexpr auto forget_every = 10min;
constexpr std::size_t most_shown = 20;

}  // namespace

Deliverer::Deliverer(std::vector<Channel> channels, OutboxStore store, Parts parts, Share share)
    : channels_(std::move(channels)),
      store_(std::move(store)),
      parts_(std::move(parts)),
      share_(std::move(share)) {
    const WallTime now = parts_.now();
    for (const StoredMessage& message : store_.open_messages(share_)) {
        if (message.life.phase != Phase::armed) continue;
        const Channel* channel = channel_of(message.channel);
        RetryRule rule;
        // A channel that is not configured any more has no policy: a person is asked.
        rule.on_uncertain = OnUncertain::ask;
        const Delivery after = recover(message.life, channel ? channel->rule : rule, now);
        if (store_.save(message.id, message.life, after, now)) parts_.report(message, after);
    }
    if (share_.others) store_.forget_old(now, parts_.limits);
    forgotten_ = now;
    publish();
}

const Channel* Deliverer::channel_of(const std::string& id) const {
    const auto found = std::find_if(channels_.begin(), channels_.end(),
                                    [&](const Channel& channel) { return channel.id == id; });
    return found == channels_.end() ? nullptr : &*found;
}

Deliverer::Step Deliverer::step(std::stop_token stop) {
    if (!parts_.may_continue()) return Step::refused;
    flush_unsaved();
    const WallTime now = parts_.now();
    if (now - forgotten_ > forget_every || now < forgotten_) {
        if (share_.others) store_.forget_old(now, parts_.limits);
        forgotten_ = now;
    }
    next_.reset();
    for (const StoredMessage& message : store_.open_messages(share_)) {
        const Channel* channel = channel_of(message.channel);
        const RetryRule rule = channel ? channel->rule : RetryRule{};
        if (message.life.phase != Phase::armed && expired(message.life, rule, now)) {
            const std::string last = message.life.reply.empty() ? "" : ": " + message.life.reply;
            const Delivery after = give_up(message.life, "too old" + last);
            store(message, message.life, after);
            return Step::tried;
        }
        if (!channel || !message.life.next) continue;
        const auto quiet = parts_.quiet ? parts_.quiet(*channel, now) : std::nullopt;
        if (quiet) {
            next_ = std::min(next_.value_or(WallTime::max()), *quiet);
        } else if (paused(*channel, now)) {
            next_ = std::min(next_.value_or(WallTime::max()), pauses_[channel->id].until);
        } else if (due(message.life, rule, now)) {
            if (!look_and_attempt(*channel, message, stop)) return Step::idle;
            return Step::tried;
        } else {
            next_ = std::min(next_.value_or(WallTime::max()), *message.life.next);
        }
    }
    if (store_.version() != seen_) publish();
    return Step::idle;
}

std::chrono::milliseconds Deliverer::wait() const {
    // Not longer than this: a person may have said `--resend` in another process.
    constexpr std::chrono::milliseconds longest = 1s;
    if (!next_) return longest;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next_ - parts_.now());
    return std::clamp(left, std::chrono::milliseconds(1), longest);
}

bool Deliverer::look_and_attempt(const Channel& channel, const StoredMessage& message,
                                 std::stop_token stop) {
    if (wants_look(message.life, channel.rule)) {
        const Parcel parcel{message.key, message.recipient, message.subject,
                            store_.payload(message.id)};
        const Look look = parts_.look(channel, parcel, stop);
        if (stop.stop_requested()) return false;
        if (const auto after = after_look(message.life, look, channel.rule, parts_.now())) {
            store(message, message.life, *after);
            return true;
        }
        if (!parts_.may_continue()) return false;
    }
    attempt(channel, message, std::move(stop));
    return true;
}

void Deliverer::attempt(const Channel& channel, const StoredMessage& message,
                        std::stop_token stop) {
    Delivery current = message.life;
    Parcel parcel{message.key, message.recipient, message.subject, store_.payload(message.id)};
    std::string broken;  // why it could not be armed
    Hooks hooks;
    hooks.arm = [&] {
        try {
            const Delivery armed = arm(current);
            if (!store_.save(message.id, current, armed, parts_.now())) {
                broken = "somebody else has changed it";
                return false;
            }
            current = armed;
            // After it was stored, so that nothing can come between this and the end.
            return parts_.may_continue();
        } catch (const StoreError& error) {
            broken = error.what();
            return false;
        }
    };
    hooks.settled = [&](const Outcome& outcome) {
        settle_pause(channel, outcome);
        const bool unarmed = !broken.empty();
        const Outcome meant = unarmed ? Outcome(NotSent{broken, false}) : outcome;
        store(message, current, settle(current, meant, channel.rule, parts_.now()));
    };
    parts_.send(channel, parcel, hooks, stop);
}

void Deliverer::settle_pause(const Channel& channel, const Outcome& outcome) {
    const auto* failure = std::get_if<NotSent>(&outcome);
    if (failure && failure->nobody_there) {
        Pause& pause = pauses_[channel.id];
        pause.until = parts_.now() + retry_delay(channel.rule, ++pause.failures);
    } else if (!std::holds_alternative<Stopped>(outcome)) {
        pauses_.erase(channel.id);
    }
}

bool Deliverer::paused(const Channel& channel, WallTime now) {
    const auto found = pauses_.find(channel.id);
    if (found == pauses_.end()) return false;
    return now < found->second.until && found->second.until <= now + channel.rule.longest;
}

void Deliverer::store(const StoredMessage& message, const Delivery& before, const Delivery& after) {
    unsaved_ = {message, before, after};
    flush_unsaved();
}

void Deliverer::flush_unsaved() {
    if (!unsaved_) return;
    const auto& [message, before, after] = *unsaved_;
    const bool saved = store_.save(message.id, before, after, parts_.now());
    const Unsaved done = *std::exchange(unsaved_, std::nullopt);
    if (saved) parts_.report(done.message, done.after);
    publish();
}

void Deliverer::publish() {
    seen_ = store_.version();
    parts_.changed(store_.counts(), store_.list({Phase::uncertain}, most_shown));
}

}  // namespace oneloop::worker
