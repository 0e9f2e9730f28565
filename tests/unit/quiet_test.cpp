// Hours in which a channel says nothing: every minute of a day, with and without a midnight.
#include <gtest/gtest.h>

#include "worker/quiet.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;

const LocalTime midnight = at(Date{std::chrono::year{2025} / 12 / 3}, 0min);

int quiet_minutes(const QuietHours& hours) {
    int count = 0;
    for (auto minute = 0min; minute < 24h; ++minute)
        count += quiet_at(hours, midnight + minute) ? 1 : 0;
    return count;
}

TEST(Quiet, TheFirstMinuteIsQuietAndTheLastIsNot) {
    const QuietHours night{60min, 420min};
    EXPECT_FALSE(quiet_at(night, midnight + 59min + 59s));
    EXPECT_TRUE(quiet_at(night, midnight + 1h));
    EXPECT_TRUE(quiet_at(night, midnight + 6h + 59min + 59s));
    EXPECT_FALSE(quiet_at(night, midnight + 7h));
    EXPECT_EQ(quiet_minutes(night), 360);
}

TEST(Quiet, PastMidnight) {
    const QuietHours night{23h, 7h};
    EXPECT_TRUE(quiet_at(night, midnight + 23h));
    EXPECT_TRUE(quiet_at(night, midnight));
    EXPECT_FALSE(quiet_at(night, midnight + 7h));
    EXPECT_EQ(quiet_minutes(night), 480);
    EXPECT_EQ(quiet_left(night, midnight + 23h), 8h);
    EXPECT_EQ(quiet_left(night, midnight + 1h), 6h);
    EXPECT_EQ(quiet_left(night, midnight + 12h), 0s);
}

TEST(Quiet, WhatIsLeftLeadsToASoundingMinuteAndNoLater) {
    for (const QuietHours& hours : {QuietHours{60min, 420min}, QuietHours{23h, 7h},
                                    QuietHours{12h, 0min}, QuietHours{0min, 1min}}) {
        for (auto minute = 0min; minute < 24h; ++minute) {
            const LocalTime now = midnight + minute + 7s;
            const auto left = quiet_left(hours, now);
            EXPECT_EQ(left > 0s, quiet_at(hours, now));
            EXPECT_FALSE(quiet_at(hours, now + left));
            if (left > 0s) {
                EXPECT_TRUE(quiet_at(hours, now + left - 1s));
            }
        }
    }
}

}  // namespace
}  // namespace oneloop::worker
