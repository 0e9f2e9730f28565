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

}  // namespace
}  // namespace oneloop::worker
