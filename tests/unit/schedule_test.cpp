// When to poll next. Time is a value here; nothing waits.
#include "worker/schedule.h"

#include <gtest/gtest.h>

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;

const BootTime start{1h};

Plan after(const PollResult& result, unsigned failures = 0, double roll = 0, Pace pace = {},
           milliseconds took = 100ms) {
    return next_poll(pace, result, failures, start, start, start + took, roll);
}
PollResult failure() {
    return {false, false, {}};
}

TEST(Schedule, APeriodFromStartToStart) {
    EXPECT_EQ(after({}).due, start + 30s);
    EXPECT_EQ(after({}, 0, 0, {}, 20s).due, start + 30s);  // not from the end: no drift
}

TEST(Schedule, JitterIsTenPercentToBothSides) {
    for (int i = -10; i <= 10; ++i) {
        const auto distance = after({}, 0, i / 10.0).distance;
        EXPECT_EQ(distance, 30s + i * 300ms);
    }
    EXPECT_EQ(after({}, 0, 99).distance, 33s);
}

TEST(Schedule, NothingIsShorterThanTheFloor) {
    Pace pace;
    pace.every = 10s;
    EXPECT_EQ(after({}, 0, -1, pace).distance, 10s);
}

TEST(Schedule, BackOffDoublesUpTo5MinutesAndNeverSpeedsUp) {
    Pace quick;
    quick.every = 1s;
    quick.floor = 1s;
    const milliseconds expected[] = {2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 300s, 300s};
    for (unsigned failures = 0; failures < 10; ++failures) {
        EXPECT_EQ(after(failure(), failures, 0, quick).distance, expected[failures]);
        EXPECT_EQ(after(failure(), failures).distance,
                  std::max<milliseconds>(expected[failures], 30s));
        EXPECT_EQ(after(failure(), failures).failures, failures + 1);
    }
    EXPECT_EQ(after(failure(), 4'000'000'000).distance, 300s);
    EXPECT_EQ(after({}, 7).failures, 0U);  // one good reply and it is forgotten
}

TEST(Schedule, RetryAfterAndOverloadAreHonoured) {
    Pace quick;
    quick.every = 1s;
    quick.floor = 1s;
    for (double roll : {-1.0, 0.0, 1.0}) {
        EXPECT_GE(after({false, true, {}}, 0, roll, quick).distance, 30s);
        EXPECT_GE(after({false, false, 77s}, 0, roll, quick).distance, 77s);
        EXPECT_GE(after({false, true, 5s}, 0, roll, quick).distance, 30s);
    }
}

TEST(Schedule, MissedPeriodsAreCountedAndNotMadeUpFor) {
    // Resumed after a night: one poll, then the usual period.
    const BootTime late = start + 8h;
    const Plan plan = next_poll({}, {}, 0, start, late, late + 100ms, 0);
    EXPECT_EQ(plan.missed, 8U * 3600 / 30);
    EXPECT_EQ(plan.due, late + 30s);
    // A poll that takes longer than a period keeps the step.
    const Plan slow = after({}, 0, 0, {}, 70s);
    EXPECT_EQ(slow.due, start + 90s);
    EXPECT_EQ(slow.missed, 2U);
}

TEST(Schedule, ARestartInsideAPeriodDoesNotPollExtra) {
    const WallTime wall{1'000'000s};
    EXPECT_EQ(first_poll(std::nullopt, 30s, wall, start), start);
    EXPECT_EQ(first_poll(wall - 1h, 30s, wall, start), start);
    EXPECT_EQ(first_poll(wall + 12s, 30s, wall, start), start + 12s);
    EXPECT_EQ(first_poll(wall + 60s, 30s, wall, start), start + 60s);
}

TEST(Schedule, AStoredDueThatIsTooFarAheadIsMovedBack) {
    const WallTime wall{1'000'000s};
    EXPECT_EQ(first_poll(wall + 61s, 30s, wall, start), start + 30s);
    EXPECT_EQ(first_poll(wall + 24h * 365, 30s, wall, start), start + 30s);
    // A long back-off is a long distance, not a broken clock.
    EXPECT_EQ(first_poll(wall + 290s, 300s, wall, start), start + 290s);
}

// By the wall clock. `start` is when it should have begun, `late` how much later it did.
Plan on_the_clock(milliseconds every, std::chrono::nanoseconds clock, BootTime::duration late = 0s,
                  milliseconds took = 100ms, const PollResult& result = {}, unsigned failures = 0,
                  double roll = 1) {
    Pace pace;
    pace.every = every;
    pace.align = true;
    const BootTime began = start + late;
    return next_poll(pace, result, failures, start, began, began + took, roll, clock + late);
}

TEST(Align, PollsAreAtMultiplesOfThePeriodByTheWallClock) {
    for (const milliseconds every : {10s, 30s, 60s, 300s, 3600s, 86400s}) {
        for (const milliseconds clock : {0ms, 1ms, 8500ms, 12'345ms, 29'999ms, 86'399'999ms}) {
            const Plan plan = on_the_clock(every, clock);
            const auto shown = clock + (plan.due - start);
            EXPECT_EQ(shown % every, 0ns) << every.count() << " " << clock.count();
            EXPECT_GE(plan.due - start, 9s);  // nine tenths of the floor
            EXPECT_LT(plan.due - start, every + 9s);
            EXPECT_EQ(plan.distance, plan.due - start);
        }
    }
    // The control: without it a poll at 8.5 s is followed by one at 38.5 s.
    EXPECT_EQ(after({}).due, start + 30s);
    EXPECT_EQ(on_the_clock(30s, 8500ms).due, start + 21500ms);
}

// Chance has no say, and who begins late does not miss the next one.
TEST(Align, APollThatBeganLateIsFollowedByTheNextInstant) {
    for (const milliseconds late : {0ms, 1ms, 300ms, 1000ms}) {
        EXPECT_EQ(on_the_clock(10s, 0s, late).due, start + 10s) << late.count();
        EXPECT_EQ(on_the_clock(30s, 0s, late, 100ms, {}, 0, -1).due, start + 30s);
    }
    EXPECT_EQ(on_the_clock(30s, 0s, 20s).due, start + 30s);
    EXPECT_EQ(on_the_clock(30s, 0s, 25s).due, start + 60s) << "nearer than the floor";
    // A minute of a thousand polls has the same number of them.
    BootTime due = start;
    for (int i = 0; i < 1000; ++i) {
        Pace pace;
        pace.every = 10s;
        pace.align = true;
        const BootTime began = due + milliseconds(i % 7 * 100);
        due = next_poll(pace, {}, 0, due, began, began + 90ms, 0, began - start).due;
    }
    EXPECT_EQ(due, start + 10'000s);
}

TEST(Align, WhatTheServerAsksForAndABackOffAreRoundedUp) {
    EXPECT_EQ(on_the_clock(30s, 0s, 0s, 100ms, {false, true, {}}).due, start + 30s);
    EXPECT_EQ(on_the_clock(30s, 0s, 1s, 100ms, {false, true, {}}).due, start + 60s);
    EXPECT_EQ(on_the_clock(30s, 0s, 0s, 100ms, {false, false, 77s}).due, start + 90s);
    EXPECT_EQ(on_the_clock(30s, 0s, 0s, 100ms, failure(), 5).due, start + 90s);  // 64 s
    EXPECT_EQ(on_the_clock(30s, 0s, 0s, 100ms, failure(), 0).due, start + 30s);
}

TEST(Align, APollThatTookLongerCountsWhatItMissed) {
    const Plan slow = on_the_clock(30s, 0s, 0s, 70s);
    EXPECT_EQ(slow.due, start + 90s);
    EXPECT_EQ(slow.missed, 2U);
    const Plan night = on_the_clock(30s, 0s, 8h);
    EXPECT_EQ(night.due, start + 8h + 30s);
    EXPECT_EQ(night.missed, 8U * 3600 / 30);
}

}  // namespace
}  // namespace oneloop::worker
