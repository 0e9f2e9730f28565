// The life of a message, by value: every outcome in every phase, and what must never follow.
#include "worker/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <tuple>

namespace oneloop::worker {

void PrintTo(const Delivery& delivery, std::ostream* out) {
    *out << name_of(delivery.phase) << " attempts=" << delivery.attempts
         << " doubtful=" << delivery.doubtful << " next=" << delivery.next.has_value();
}

namespace {

using namespace std::chrono_literals;
const WallTime start{std::chrono::hours(500'000)};
const RetryRule rule;

Delivery armed() {
    return arm(written(start));
}

TEST(Outbox, AnAnswerEndsIt) {
    const Delivery sent = settle(armed(), Accepted{"250 ok"}, rule, start + 1s);
    EXPECT_EQ(sent.phase, Phase::sent);
    EXPECT_EQ(sent.attempts, 1U);
    EXPECT_EQ(sent.reply, "250 ok");
    EXPECT_FALSE(sent.next);
    EXPECT_FALSE(sent.doubtful);
}

TEST(Outbox, ATemporaryRefusalIsTriedAgainLaterAndLater) {
    Delivery delivery = written(start);
    WallTime now = start;
    for (const auto delay : {10s, 20s, 40s, 80s, 160s, 320s, 640s, 900s, 900s}) {
        delivery = settle(arm(delivery), Refused{"451 later", false}, rule, now);
        EXPECT_EQ(delivery.phase, Phase::failed);
        EXPECT_EQ(*delivery.next - now, delay);
        EXPECT_FALSE(due(delivery, rule, *delivery.next - 1ms));
        now = *delivery.next;
        EXPECT_TRUE(due(delivery, rule, now));
    }
    EXPECT_FALSE(delivery.doubtful);
}

TEST(Outbox, APermanentRefusalIsTheEnd) {
    const Delivery dead = settle(written(start), Refused{"550 nobody", true}, rule, start);
    EXPECT_EQ(dead.phase, Phase::dead);
    EXPECT_FALSE(due(dead, rule, start + 24h));
}

TEST(Outbox, WhatWasNotSentIsTriedAgainAndGivenUpWhenItIsOld) {
    const Delivery failed = settle(written(start), NotSent{"refused", true}, rule, start);
    EXPECT_EQ(failed.phase, Phase::failed);
    EXPECT_EQ(failed.attempts, 1U);
    const Delivery old = settle(failed, NotSent{"refused", true}, rule, start + 25h);
    EXPECT_EQ(old.phase, Phase::dead);
    EXPECT_EQ(old.reply, "refused");
}

TEST(Outbox, NoAnswerIsUncertainUnderEveryPolicy) {
    RetryRule by = rule;
    by.on_uncertain = OnUncertain::resend;
    const Delivery again = settle(armed(), NoAnswer{"closed"}, by, start);
    EXPECT_EQ(again.phase, Phase::uncertain);
    EXPECT_TRUE(again.doubtful);
    EXPECT_EQ(again.next, start + 10s);

    by.on_uncertain = OnUncertain::ask;
    const Delivery asks = settle(armed(), NoAnswer{"closed"}, by, start);
    EXPECT_EQ(asks.phase, Phase::uncertain);
    EXPECT_FALSE(asks.next);
    EXPECT_FALSE(due(asks, by, start + 1000h));

    by.on_uncertain = OnUncertain::skip;
    const Delivery skipped = settle(armed(), NoAnswer{"closed"}, by, start);
    EXPECT_EQ(skipped.phase, Phase::skipped);
    EXPECT_TRUE(skipped.doubtful);
}

TEST(Outbox, ADoubtStaysWhateverComesLater) {
    Delivery delivery = settle(armed(), NoAnswer{"closed"}, rule, start);
    EXPECT_TRUE(settle(arm(delivery), Accepted{"250"}, rule, start).doubtful);
    delivery = settle(delivery, NotSent{"refused", true}, rule, start + 1h);
    EXPECT_EQ(delivery.phase, Phase::failed);
    EXPECT_TRUE(delivery.doubtful);
    delivery = settle(delivery, NotSent{"refused", true}, rule, start + 30h);
    EXPECT_EQ(delivery.phase, Phase::uncertain) << "it may have arrived, so it is not called dead";
    EXPECT_FALSE(delivery.next);
}

// A server that keeps every copy and never answers.
TEST(Outbox, ItIsSentAgainOnceAndThenAPersonIsAsked) {
    Delivery delivery = settle(armed(), NoAnswer{"closed"}, rule, start);
    ASSERT_TRUE(delivery.next);
    delivery = settle(arm(delivery), NoAnswer{"closed"}, rule, start + 1min);
    EXPECT_EQ(delivery.phase, Phase::uncertain);
    EXPECT_FALSE(delivery.next);
    EXPECT_FALSE(recover(arm(delivery), rule, start).next);
    EXPECT_TRUE(resend(delivery, start + 1h)->next);
}

TEST(Outbox, AfterAStartWhatIsArmedIsUncertainAndTheRestIsAsItWas) {
    EXPECT_EQ(recover(armed(), rule, start).phase, Phase::uncertain);
    const Delivery queued = written(start);
    EXPECT_EQ(recover(queued, rule, start), queued);
    const Delivery failed = settle(queued, NotSent{"x", false}, rule, start);
    EXPECT_EQ(recover(failed, rule, start), failed);
}

TEST(Outbox, AStopBeforeTheEndOfThePayloadIsNoTry) {
    const Delivery queued = written(start);
    EXPECT_EQ(settle(queued, Stopped{}, rule, start), queued);
    EXPECT_EQ(settle(arm(queued), Stopped{}, rule, start), queued);
    const Delivery failed = settle(queued, NotSent{"x", false}, rule, start);
    EXPECT_EQ(settle(arm(failed), Stopped{}, rule, start).phase, Phase::failed);
    EXPECT_EQ(settle(arm(failed), Stopped{}, rule, start).attempts, 1U);
}

TEST(Outbox, AClockThatWasSetBackHoldsNothingUp) {
    Delivery delivery = settle(written(start), NotSent{"x", false}, rule, start);
    EXPECT_FALSE(due(delivery, rule, start));
    EXPECT_TRUE(due(delivery, rule, start - 24h));
}

TEST(Outbox, APersonDecidesAboutTheUncertainAndTheDead) {
    RetryRule by = rule;
    by.on_uncertain = OnUncertain::ask;
    const Delivery asks = settle(armed(), NoAnswer{"closed"}, by, start);
    const auto again = resend(asks, start + 1h);
    ASSERT_TRUE(again);
    EXPECT_TRUE(due(*again, by, start + 1h));
    EXPECT_TRUE(again->doubtful);
    EXPECT_EQ(skip(asks)->phase, Phase::skipped);
    const Delivery dead = give_up(written(start), "old");
    EXPECT_TRUE(due(*resend(dead, start + 48h), by, start + 48h));
    EXPECT_FALSE(expired(*resend(dead, start + 48h), by, start + 49h));
    for (const Delivery& other :
         {written(start), armed(), settle(armed(), Accepted{""}, by, start)}) {
        EXPECT_FALSE(resend(other, start));
        EXPECT_FALSE(skip(other));
    }
}

TEST(Outbox, NamesComeBack) {
    for (const Phase phase : {Phase::queued, Phase::armed, Phase::failed, Phase::sent,
                              Phase::uncertain, Phase::dead, Phase::skipped}) {
        EXPECT_EQ(phase_from(name_of(phase)), phase);
    }
    EXPECT_EQ(phase_from("of the future"), Phase::uncertain);
}

// The receiver's side of a try, for the walk below.
struct World {
    Delivery delivery;
    int accepted = 0;  // by the receiver, whether or not we heard of it

    auto key() const {
        return std::tuple(delivery.phase, std::min(delivery.attempts, 3U), delivery.doubtful,
                          delivery.next.has_value(), accepted);
    }
};

// Everything that one try can be, with what the receiver has then. `arms` false is the usual way
// to write a sender: send, then note it.
std::vector<World> tries(const World& from, const RetryRule& by, WallTime now, bool arms) {
    std::vector<World> next;
    const auto add = [&](Delivery delivery, int accepted) {
        next.push_back({std::move(delivery), from.accepted + accepted});
    };
    const Delivery begun = arms ? arm(from.delivery) : from.delivery;
    add(settle(from.delivery, NotSent{"", true}, by, now), 0);
    add(settle(from.delivery, Refused{"", false}, by, now), 0);
    add(settle(from.delivery, Stopped{}, by, now), 0);
    add(settle(begun, Stopped{}, by, now), 0);
    add(settle(begun, Accepted{}, by, now), 1);
    add(settle(begun, Refused{"", false}, by, now), 0);
    add(settle(begun, NoAnswer{}, by, now), 1);
    add(settle(begun, NoAnswer{}, by, now), 0);
    // Killed: before it was armed, armed and not accepted, armed and accepted.
    add(recover(from.delivery, by, now), 0);
    add(recover(begun, by, now), 0);
    add(recover(begun, by, now), 1);
    return next;
}

// Walks every state that can be reached. Returns what was broken, empty when nothing.
std::string walk(OnUncertain policy, bool arms) {
    RetryRule by = rule;
    by.on_uncertain = policy;
    std::deque<World> open{{written(start)}};
    std::set<decltype(open.front().key())> seen;
    while (!open.empty()) {
        const World world = open.front();
        open.pop_front();
        if (!seen.insert(world.key()).second) continue;
        const Delivery& now = world.delivery;
        if (world.accepted > 1 && !now.doubtful) return "twice, and nobody was told";
        if (world.accepted > 2) return "three times";
        if (world.accepted == 0 && now.phase == Phase::sent && !now.doubtful)
            return "called sent, and lost";
        if (world.accepted > 1 && policy != OnUncertain::resend) return "twice under skip or ask";
        if (now.phase == Phase::armed) return "armed for ever";
        if (!now.next) continue;
        for (World& next : tries(world, by, *now.next, arms))
            open.push_back(std::move(next));
    }
    return seen.size() > 5 ? "" : "the walk went nowhere";
}

TEST(Outbox, WhateverHappensNothingIsLostOrDoubledWithoutBeingNamed) {
    for (const auto policy : {OnUncertain::resend, OnUncertain::skip, OnUncertain::ask})
        EXPECT_EQ(walk(policy, true), "") << name_of(policy);
}

TEST(OutboxControl, SendThenNoteDoublesAndTellsNobody) {
    EXPECT_EQ(walk(OnUncertain::resend, false), "twice, and nobody was told");
}

}  // namespace
}  // namespace oneloop::worker
