// What counts as two workers at once.
#include "supervisor/interval_log.h"

#include <gtest/gtest.h>

#include "tests/unit/temp_dir.h"

namespace oneloop::test {
namespace {

class Intervals : public testing::Test {
  protected:
    void ran(std::int64_t generation, std::int64_t first, std::int64_t last) {
        auto* slot = log.enter(generation, static_cast<pid_t>(100 + generation));
        ASSERT_NE(slot, nullptr);
        slot->first = first;
        slot->last = last;
    }

    TempDir dir;
    IntervalLog log{dir / "log", 4};
};

TEST_F(Intervals, OneAfterTheOtherIsNoOverlap) {
    ran(1, 10, 20);
    ran(2, 21, 30);
    ran(3, 31, 40);
    EXPECT_TRUE(log.overlaps().empty());
    EXPECT_TRUE(log.generations_grow());
}

TEST_F(Intervals, EveryPairThatMeetsIsTold) {
    ran(1, 10, 50);
    ran(3, 45, 60);
    ran(2, 20, 30);
    const auto overlaps = log.overlaps();
    ASSERT_EQ(overlaps.size(), 2U);
    EXPECT_EQ(overlaps[0].pid_a, 101);
    EXPECT_EQ(overlaps[0].generation_b, 2);
    EXPECT_EQ(overlaps[0].begin, 20);
    EXPECT_EQ(overlaps[0].nanoseconds, 10);
    EXPECT_EQ(overlaps[1].generation_b, 3);
    EXPECT_EQ(overlaps[1].nanoseconds, 5);
    EXPECT_FALSE(log.generations_grow());
}

TEST_F(Intervals, WhoWasKilledBeforeItCouldWriteMetNobody) {
    ran(1, 0, 0);
    ran(2, 0, 0);
    ran(3, 10, 0);
    ran(4, 10, 20);
    EXPECT_TRUE(log.overlaps().empty());
}

TEST_F(Intervals, ASecondLookAtTheFileSeesTheSameAndMoreThanItsRoomIsRefused) {
    for (int i = 1; i <= 4; ++i)
        ran(i, 10 * i, 10 * i + 1);
    const IntervalLog second(dir / "log", 1000);
    EXPECT_EQ(second.entries(), 4U);
    EXPECT_FALSE(second.full());
    EXPECT_EQ(log.enter(5), nullptr);
    EXPECT_TRUE(second.full());
    EXPECT_EQ(second.entries(), 4U);
}

}  // namespace
}  // namespace oneloop::test
