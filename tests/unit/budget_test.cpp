// How often a host is asked: every sequence of wishes stays within the bucket.
#include "worker/budget.h"

#include <gtest/gtest.h>

#include <deque>

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
constexpr BootTime start{1h};

TEST(Budget, ABurstAndThenOneAtATime) {
    const HostRule host{"a", 1, 2};
    Budget budget;
    EXPECT_EQ(budget.take(host, start), start);
    EXPECT_EQ(budget.take(host, start), start);
    EXPECT_EQ(budget.free_at(host, start), start + 1s);
    EXPECT_EQ(budget.take(host, start), start + 1s);
    EXPECT_EQ(budget.take(host, start), start + 2s);
    // What was promised for later counts: after three seconds of rest one may be sent, not two.
    EXPECT_EQ(budget.take(host, start + 3s), start + 3s);
    EXPECT_EQ(budget.take(host, start + 3s), start + 4s);
    EXPECT_EQ(budget.take(host, start + 1min), start + 1min);
    EXPECT_EQ(budget.take(host, start + 1min), start + 1min);
    EXPECT_EQ(budget.take(host, start + 1min), start + 61s);
}

TEST(Budget, HostsAreApartAndLookingTakesNothing) {
    const HostRule a{"a", 1, 1};
    const HostRule b{"b", 1, 1};
    Budget budget;
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(budget.free_at(a, start), start);
    budget.take(a, start);
    EXPECT_EQ(budget.free_at(a, start), start + 1s);
    EXPECT_EQ(budget.free_at(b, start), start);
}

TEST(Budget, APauseHoldsForEverybodyAndAlsoWithoutARate) {
    for (const double rate : {0.0, 1.0}) {
        const HostRule host{"a", rate, 2};
        Budget budget;
        budget.pause(host, start + 30s);
        budget.pause(host, start + 10s);  // a shorter one takes nothing back
        EXPECT_EQ(budget.take(host, start), start + 30s);
        EXPECT_EQ(budget.free_at(host, start + 31s), start + 31s);
    }
    const HostRule free{"free", 0, 1};
    Budget budget;
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(budget.take(free, start), start);
}

// In no stretch of time are there more than its share and a burst.
TEST(Budget, ARandomCrowdNeverExceedsTheRate) {
    std::uint32_t seed = 7;
    const auto chance = [&seed](std::uint32_t n) {
        seed = seed * 1664525U + 1013904223U;
        return (seed >> 16U) % n;
    };
    const HostRule host{"a", 2, 3};
    Budget budget;
    BootTime now = start;
    std::deque<BootTime> sent;
    for (int i = 0; i < 20'000; ++i) {
        now += std::chrono::milliseconds(chance(1'000));
        const BootTime at = budget.take(host, now);
        EXPECT_GE(at, now);
        EXPECT_TRUE(sent.empty() || at >= sent.back());
        sent.push_back(at);
        now = std::max(now, at - 5s);  // nobody waits longer than that before he asks again
    }
    for (std::size_t i = 0; i + 10 < sent.size(); ++i) {
        // Eleven requests: three at once and eight that are half a second apart.
        EXPECT_GE(sent[i + 10] - sent[i], 4s) << i;
    }
}

}  // namespace
}  // namespace oneloop::worker
