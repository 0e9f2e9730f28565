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
        return std::tuple(delivery.phase, std::min(delivery.attempts, 3U),
                          std::min(delivery.doubtful, 3U), delivery.next.has_value(), accepted);
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

// What a look leads to. `truthful`: the mailbox shows what the receiver has, and nothing else.
std::vector<World> looks(const World& from, const RetryRule& by, WallTime now, bool truthful) {
    std::vector<World> next;
    const auto add = [&](const Look& look) {
        if (const auto after = after_look(from.delivery, look, by, now)) {
            next.push_back({*after, from.accepted});
        } else {
            for (World& world : tries(from, by, now, true))
                next.push_back(std::move(world));
        }
    };
    add(CouldNotLook{"refused"});
    if (from.accepted > 0) add(Found{"Sent"});
    if (from.accepted == 0 || !truthful) add(Missing{});
    return next;
}

// Walks every state that can be reached. Returns what was broken, empty when nothing.
std::string walk(OnUncertain policy, bool arms, bool truthful = true) {
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
        const bool once = policy != OnUncertain::resend && truthful;
        if (world.accepted > 1 && once) return "twice under skip, ask or verify";
        if (world.accepted == 0 && now.phase == Phase::sent && policy == OnUncertain::verify)
            return "called sent, and lost";
        if (now.phase == Phase::armed) return "armed for ever";
        if (!now.next) continue;
        auto after = wants_look(now, by) ? looks(world, by, *now.next, truthful)
                                         : tries(world, by, *now.next, arms);
        for (World& next : after)
            open.push_back(std::move(next));
    }
    return seen.size() > 5 ? "" : "the walk went nowhere";
}

TEST(Outbox, WhateverHappensNothingIsLostOrDoubledWithoutBeingNamed) {
    for (const auto policy :
         {OnUncertain::resend, OnUncertain::skip, OnUncertain::ask, OnUncertain::verify})
        EXPECT_EQ(walk(policy, true), "") << name_of(policy);
    // A mailbox that does not show everything is no worse than sending again.
    EXPECT_EQ(walk(OnUncertain::verify, true, false), "");
}

TEST(Outbox, UnderVerifyItIsLookedForAndWhatIsNotThereIsSentOnceMore) {
    RetryRule by = rule;
    by.on_uncertain = OnUncertain::verify;
    const Delivery lost = settle(armed(), NoAnswer{"closed"}, by, start);
    EXPECT_EQ(lost.next, start + by.look_after);
    ASSERT_TRUE(wants_look(lost, by));
    EXPECT_FALSE(wants_look(lost, rule));
    const auto found = after_look(lost, Found{"Sent"}, by, start + 1min);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->phase, Phase::sent);
    EXPECT_EQ(found->reply, "found in Sent");
    EXPECT_FALSE(after_look(lost, Missing{}, by, start + 1min)) << "once more";
    const Delivery again = settle(arm(lost), NoAnswer{"closed"}, by, start + 1min);
    EXPECT_FALSE(after_look(again, Missing{}, by, start + 2min)->next) << "a person is asked";
}

TEST(Outbox, AMailboxThatCanNotBeLookedIntoIsTriedForADayAndThenAPersonIsAsked) {
    RetryRule by = rule;
    by.on_uncertain = OnUncertain::verify;
    const Delivery lost = settle(armed(), NoAnswer{"closed"}, by, start);
    const auto later = after_look(lost, CouldNotLook{"refused"}, by, start + 1min);
    EXPECT_EQ(later->phase, Phase::uncertain);
    EXPECT_EQ(later->next, start + 1min + 10s);
    EXPECT_FALSE(after_look(lost, CouldNotLook{"refused"}, by, start + 25h)->next);
}

TEST(Outbox, WhatAPersonSendsAgainIsNotLookedFor) {
    RetryRule by = rule;
    by.on_uncertain = OnUncertain::verify;
    const auto again = resend(settle(armed(), NoAnswer{""}, by, start), start);
    ASSERT_TRUE(again && due(*again, by, start));
    EXPECT_FALSE(wants_look(*again, by));
}

TEST(OutboxControl, SendThenNoteDoublesAndTellsNobody) {
    EXPECT_EQ(walk(OnUncertain::resend, false), "twice, and nobody was told");
}

}  // namespace
}  // namespace oneloop::worker
