// The selftest's plan: a seed is a plan, and the plan leaves nothing out.
#include "supervisor/selftest_schedule.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

namespace oneloop::selftest {
namespace {

TEST(SelftestSchedule, ASeedIsAPlan) {
    int differ = 0;
    for (std::uint64_t n = 0; n < 100; ++n) {
        EXPECT_EQ(step_at(7, n, false), step_at(7, n, false));
        differ += step_at(7, n, false) == step_at(8, n, false) ? 0 : 1;
    }
    EXPECT_GT(differ, 90);
}

TEST(SelftestSchedule, AStepIsTheSameWithEveryLibrary) {
    const Step step = step_at(1, 0, false);
    EXPECT_EQ(step.kind, Step::Kind::kill);
    EXPECT_EQ(step.whom, Whom::supervisor);
    EXPECT_EQ(step.delay.count(), 139);
}

TEST(SelftestSchedule, EverythingHappensInAThousandSteps) {
    std::map<std::pair<Step::Kind, Whom>, int> seen;
    std::map<Step::Then, int> then;
    std::map<Step::Start, int> next;
    int two = 0;
    for (std::uint64_t n = 0; n < 1000; ++n) {
        const Step step = step_at(42, n, false);
        ++seen[{step.kind, step.whom}];
        ++next[step.next];
        if (step.kind == Step::Kind::stop) ++then[step.then];
        two += step.starts == 2 ? 1 : 0;
        EXPECT_LT(step.delay, std::chrono::milliseconds(10));
        EXPECT_LT(step.stopped, std::chrono::milliseconds(20));
        const bool needs_worker = step.whom != Whom::supervisor || step.kind == Step::Kind::second;
        EXPECT_TRUE(step.meet_worker || !needs_worker);
    }
    EXPECT_EQ(seen.size(), 10U);
    EXPECT_EQ(then.size(), 4U);
    EXPECT_EQ(next.size(), 3U);
    EXPECT_GT(two, 50);
    EXPECT_GT((seen[{Step::Kind::kill, Whom::supervisor}]), 400);
}

TEST(SelftestSchedule, WhereItIsCostlyBothAreKilledLessOften) {
    int usual = 0;
    int patient = 0;
    for (std::uint64_t n = 0; n < 5000; ++n) {
        usual += step_at(3, n, false).whom == Whom::supervisor_and_warden ? 1 : 0;
        patient += step_at(3, n, true).whom == Whom::supervisor_and_warden ? 1 : 0;
    }
    EXPECT_GT(patient, 20);
    EXPECT_LT(patient, usual / 3);
}

}  // namespace
}  // namespace oneloop::selftest
