#include "worker/outbox.h"

#include <algorithm>
#include <array>
#include <utility>

namespace oneloop::worker {
namespace {

constexpr std::array<std::pair<Phase, std::string_view>, 7> phase_names = {{
    {Phase::queued, "queued"},
    {Phase::armed, "armed"},
    {Phase::failed, "failed"},
    {Phase::sent, "sent"},
    {Phase::uncertain, "uncertain"},
    {Phase::dead, "dead"},
    {Phase::skipped, "skipped"},
}};

template <class... Cases>
struct Match : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Match(Cases...) -> Match<Cases...>;

bool over(Phase phase) {
    return phase == Phase::sent || phase == Phase::dead || phase == Phase::skipped;
}

Delivery retry_later(Delivery delivery, std::string why, const RetryRule& rule, WallTime now) {
    if (expired(delivery, rule, now)) return give_up(std::move(delivery), std::move(why));
    if (delivery.doubtful > 0 && now - delivery.created > rule.max_age) {
        // Too old to be tried, and not dead, since it may have arrived: a person may look.
        delivery.phase = Phase::uncertain;
        delivery.reply = std::move(why);
        delivery.next.reset();
        return delivery;
    }
    delivery.phase = Phase::failed;
    delivery.reply = std::move(why);
    delivery.next = now + retry_delay(rule, delivery.attempts);
    return delivery;
}

Delivery doubt(Delivery delivery, std::string why, const RetryRule& rule, WallTime now) {
    const bool again = delivery.doubtful++ > 0;
    delivery.reply = std::move(why);
    delivery.next.reset();
    delivery.phase = Phase::uncertain;
    switch (rule.on_uncertain) {
        case OnUncertain::resend:
            // Once: a server that keeps every copy and never answers would get one for each try.
            if (!again) delivery.next = now + retry_delay(rule, delivery.attempts);
            break;
        case OnUncertain::skip:
            delivery.phase = Phase::skipped;
            break;
        case OnUncertain::ask:
            break;
        case OnUncertain::verify:
            delivery.next = now + rule.look_after;
            break;
    }
    return delivery;
}

}  // namespace

std::string_view name_of(Phase phase) {
    for (const auto& [value, name] : phase_names) {
        if (value == phase) return name;
    }
    return "uncertain";
}

Phase phase_from(std::string_view name) {
    for (const auto& [value, known] : phase_names) {
        if (known == name) return value;
    }
    return Phase::uncertain;
}

std::string_view name_of(OnUncertain policy) {
    switch (policy) {
        case OnUncertain::resend:
            return "resend";
        case OnUncertain::skip:
            return "skip";
        case OnUncertain::ask:
            return "ask";
        case OnUncertain::verify:
            return "verify";
    }
    return "ask";
}

Delivery written(WallTime now) {
    Delivery delivery;
    delivery.created = now;
    delivery.next = now;
    return delivery;
}

bool due(const Delivery& delivery, const RetryRule& rule, WallTime now) {
    if (!delivery.next || over(delivery.phase) || delivery.phase == Phase::armed) return false;
    const auto furthest =
        wants_look(delivery, rule) ? std::max(rule.longest, rule.look_after) : rule.longest;
    return now >= *delivery.next || *delivery.next > now + furthest;
}

bool expired(const Delivery& delivery, const RetryRule& rule, WallTime now) {
    return !over(delivery.phase) && delivery.doubtful == 0 && now - delivery.created > rule.max_age;
}

Delivery give_up(Delivery delivery, std::string why) {
    delivery.phase = Phase::dead;
    delivery.next.reset();
    delivery.reply = std::move(why);
    return delivery;
}

Delivery arm(Delivery delivery) {
    ++delivery.attempts;
    delivery.phase = Phase::armed;
    delivery.next.reset();
    return delivery;
}

Delivery settle(Delivery delivery, const Outcome& outcome, const RetryRule& rule, WallTime now) {
    const bool counted = delivery.phase == Phase::armed;
    if (!counted && !std::holds_alternative<Stopped>(outcome)) ++delivery.attempts;
    return std::visit(Match{
                          [&](const Accepted& answer) {
                              delivery.phase = Phase::sent;
                              delivery.next.reset();
                              delivery.reply = answer.reply;
                              return delivery;
                          },
                          [&](const Refused& answer) {
                              if (answer.permanent)
                                  return give_up(std::move(delivery), answer.reply);
                              return retry_later(std::move(delivery), answer.reply, rule, now);
                          },
                          [&](const NotSent& failure) {
                              return retry_later(std::move(delivery), failure.why, rule, now);
                          },
                          [&](const Stopped&) {
                              // As if this try had not been, but for what earlier ones left.
                              if (counted) --delivery.attempts;
                              delivery.phase =
                                  delivery.attempts == 0 ? Phase::queued : Phase::failed;
                              delivery.next = now;
                              return delivery;
                          },
                          [&](const NoAnswer& failure) {
                              return doubt(std::move(delivery), failure.why, rule, now);
                          },
                      },
                      outcome);
}

Delivery recover(Delivery delivery, const RetryRule& rule, WallTime now) {
    if (delivery.phase != Phase::armed) return delivery;
    return doubt(std::move(delivery), "the worker ended before an answer came", rule, now);
}

bool wants_look(const Delivery& delivery, const RetryRule& rule) {
    return delivery.phase == Phase::uncertain && rule.on_uncertain == OnUncertain::verify;
}

std::optional<Delivery> after_look(Delivery delivery, const Look& look, const RetryRule& rule,
                                   WallTime now) {
    if (const auto* found = std::get_if<Found>(&look)) {
        delivery.phase = Phase::sent;
        delivery.next.reset();
        delivery.reply = "found in " + found->where;
        return delivery;
    }
    if (const auto* failure = std::get_if<CouldNotLook>(&look)) {
        delivery.reply = "can't be looked for: " + failure->why;
        delivery.next = now + retry_delay(rule, delivery.attempts);
        if (now - delivery.created > rule.max_age) delivery.next.reset();
        return delivery;
    }
    if (delivery.doubtful < 2) return std::nullopt;
    // The server takes it, says nothing and shows nothing: a third copy would be no better.
    delivery.reply = "not found, after two tries without an answer";
    delivery.next.reset();
    return delivery;
}

std::optional<Delivery> resend(Delivery delivery, WallTime now) {
    if (delivery.phase != Phase::uncertain && delivery.phase != Phase::dead &&
        delivery.phase != Phase::skipped) {
        return std::nullopt;
    }
    // Its age counts anew: somebody wants it now.
    delivery.created = now;
    delivery.phase = Phase::failed;  // also under `verify`: it is not looked for first
    delivery.next = now;
    return delivery;
}

std::optional<Delivery> skip(Delivery delivery) {
    if (delivery.phase != Phase::uncertain && delivery.phase != Phase::dead) return std::nullopt;
    delivery.phase = Phase::skipped;
    delivery.next.reset();
    return delivery;
}

std::chrono::milliseconds retry_delay(const RetryRule& rule, unsigned attempts) {
    std::chrono::milliseconds delay = rule.first;
    for (unsigned i = 1; i < attempts && delay < rule.longest; ++i)
        delay *= 2;
    return std::min(delay, rule.longest);
}

}  // namespace oneloop::worker
