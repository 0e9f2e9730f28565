// policy: how failures in a row are delayed, and when they are no longer tried.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "supervisor/policy.h"

namespace oneloop {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration long_life = hours(1);
constexpr Duration no_life{};

PolicyOptions with(bool watching) {
    PolicyOptions options;
    options.watching = watching;
    return options;
}

Exited exited(int code) {
    return Exited{ExitStatus{code, 0}};
}

History started() {
    History history;
    history.ever_started = true;
    return history;
}

Duration delay_of(const Judgement& judged) {
    const auto* respawn = std::get_if<RespawnAfter>(&judged.verdict);
    return respawn ? respawn->delay : Duration(-1);
}
bool waits(const Judgement& judged) {
    return std::holds_alternative<WaitForChange>(judged.verdict);
}

TEST(PolicyDelay, a_delay_starts_at_the_first_one_and_stays_within_its_bounds) {
    auto options = with(false);
    History history;
    std::vector<Duration> seen;
    for (int step = 0; step < 10'000; ++step) {
        const Duration before = std::max(history.delay, options.first_delay);
        const auto judged = judge(exited(1), no_life, history, options);
        const Duration delay = delay_of(judged);
        ASSERT_GE(delay, options.first_delay) << step;
        ASSERT_LE(delay, options.longest_delay) << step;
        ASSERT_LE(delay, 3 * before) << step;
        if (step == 0) {
            ASSERT_EQ(delay, options.first_delay);
        }
        history = judged.history;
        ASSERT_EQ(history.delay, delay);
        seen.push_back(delay);
    }
    std::sort(seen.begin(), seen.end());
    EXPECT_GT(std::unique(seen.begin(), seen.end()) - seen.begin(), 1000) << "no jitter";
}

TEST(PolicyDelay, jitter_is_a_function_of_the_seed) {
    const auto options = with(false);
    const auto run = [&](std::uint64_t seed) {
        History history;
        history.seed = seed;
        std::vector<Duration> delays;
        for (int i = 0; i < 20; ++i) {
            const auto judged = judge(exited(1), no_life, history, options);
            delays.push_back(delay_of(judged));
            history = judged.history;
        }
        return delays;
    };
    EXPECT_EQ(run(7), run(7));
    EXPECT_NE(run(7), run(8));
}

TEST(PolicyDelay, without_jitter_the_delay_doubles_up_to_its_limit) {
    auto options = with(false);
    options.jitter = false;
    History history;
    for (const int expected : {500, 1000, 2000, 4000, 8000, 16'000, 30'000, 30'000}) {
        const auto judged = judge(Exited{ExitStatus{0, 11}}, no_life, history, options);
        EXPECT_EQ(delay_of(judged), milliseconds(expected));
        history = judged.history;
    }
}

TEST(PolicyDelay, three_quick_failures_with_watching_wait_for_a_change) {
    const auto options = with(true);
    History history;
    for (int failure = 1; failure <= 2; ++failure) {
        const auto judged = judge(exited(1), no_life, history, options);
        EXPECT_FALSE(waits(judged)) << failure;
        EXPECT_EQ(judged.history.quick_failures, failure);
        history = judged.history;
    }
    const auto third = judge(exited(1), options.quick - Duration(1), history, options);
    EXPECT_TRUE(waits(third));
    EXPECT_TRUE(third.failure);
}

TEST(PolicyDelay, without_watching_quick_failures_are_tried_for_ever) {
    const auto options = with(false);
    History history;
    for (int failure = 0; failure < 5000; ++failure) {
        const auto judged = judge(exited(1), no_life, history, options);
        ASSERT_GE(delay_of(judged), options.first_delay);
        ASSERT_LE(delay_of(judged), seconds(30));
        history = judged.history;
    }
}

TEST(PolicyDelay, a_long_life_starts_the_delays_anew) {
    const auto options = with(false);
    History history = started();
    history.quick_failures = 2;
    history.delay = seconds(30);
    const auto judged = judge(exited(1), options.quick, history, options);
    EXPECT_EQ(delay_of(judged), options.first_delay);
    // One below: still quick, still backing off.
    const auto quick = judge(exited(1), options.quick - Duration(1), history, options);
    EXPECT_EQ(quick.history.quick_failures, 3);
}

TEST(PolicyDelay, a_calm_end_forgets_earlier_failures) {
    History history = started();
    history.quick_failures = 2;
    history.delay = seconds(20);
    for (const auto& end : {exited(0), exited(3)}) {
        const auto judged = judge(end, long_life, history, with(true));
        EXPECT_EQ(judged.history.quick_failures, 0);
        EXPECT_EQ(judged.history.delay, Duration{});
    }
}

// policy.h: `quick` is "a shorter life is a quick failure", and three *quick* ones lead to waiting.
TEST(PolicyDelay, bug_a_crash_after_a_long_life_is_not_a_quick_failure) {
    const auto options = with(true);
    History history = started();
    const auto first = judge(exited(1), long_life, history, options);
    EXPECT_EQ(first.history.quick_failures, 0) << "it lived for an hour";
    const auto second = judge(exited(1), no_life, first.history, options);
    const auto third = judge(exited(1), no_life, second.history, options);
    EXPECT_FALSE(waits(third)) << "only two of the three were quick";
}

}  // namespace
}  // namespace oneloop
