// content_rule: every combination of what was and what is.
#include "supervisor/content_rule.h"

#include <gtest/gtest.h>

#include <array>

namespace oneloop {
namespace {

using std::chrono::milliseconds;

// Two values of each field, and the limit of the size: 3 * 2 * 3 of each side.
constexpr std::array<std::uint64_t, 4> sizes = {0, 5, 6, most_hashed + 1};
constexpr std::array<std::int64_t, 2> times = {1000, 2000};
constexpr std::array<std::uint64_t, 3> hashes = {0, 11, 22};

template <class Use>
void each(Use use) {
    for (const auto size : sizes)
        for (const auto time : times)
            for (const auto hash : hashes)
                use(Fingerprint{size, time, 0, 7, hash});
}

TEST(ContentRule, only_other_bytes_are_a_change_and_doubt_is_one) {
    int seen = 0;
    each([&](const Fingerprint& known) {
        each([&](const Fingerprint& now) {
            ++seen;
            const auto verdict = judge(known, now);
            if (known.size != now.size) {
                EXPECT_EQ(verdict, Sameness::changed);
            } else if (now.size == 0) {
                EXPECT_EQ(verdict, Sameness::unchanged) << "nothing equals nothing";
            } else if (now.size > most_hashed) {
                EXPECT_EQ(verdict == Sameness::unchanged, known.modified_ns == now.modified_ns);
            } else if (known.hash == 0) {
                EXPECT_EQ(verdict, Sameness::changed) << "not known is changed";
            } else if (now.hash == 0) {
                EXPECT_EQ(verdict, Sameness::unread);
            } else {
                EXPECT_EQ(verdict == Sameness::unchanged, known.hash == now.hash)
                    << "the time of modification says nothing, newer or older";
            }
        });
    });
    EXPECT_EQ(seen, 24 * 24);
}

TEST(ContentRule, an_equal_hash_beside_another_size_is_never_believed) {
    EXPECT_EQ(judge({5, 1, 1, 1, 11}, {6, 1, 1, 1, 11}), Sameness::changed);
}

TEST(ContentRule, untouched_is_the_same_in_every_field_of_stat) {
    const Fingerprint known{5, 100, 200, 7, 11};
    EXPECT_TRUE(untouched(known, {5, 100, 200, 7, 0}));
    EXPECT_FALSE(untouched(known, {6, 100, 200, 7, 11}));
    EXPECT_FALSE(untouched(known, {5, 101, 200, 7, 11}));
    EXPECT_FALSE(untouched(known, {5, 100, 201, 7, 11}));
    EXPECT_FALSE(untouched(known, {5, 100, 200, 8, 11}));
}

TEST(ContentRule, a_file_is_older_than_a_start_by_more_than_a_tick_of_the_clock) {
    constexpr std::int64_t start = 1'000'000'000;
    EXPECT_TRUE(older_than({1, 0, start - 30'000'000, 1, 0}, start));
    EXPECT_FALSE(older_than({1, 0, start - 5'000'000, 1, 0}, start));
    EXPECT_FALSE(older_than({1, 0, start + 1, 1, 0}, start));
    EXPECT_FALSE(older_than({1, 0, start - 30'000'000, 1, 0}, 0)) << "no worker was started yet";
}

TEST(ReadBudget, lets_a_burst_be_read_and_then_no_more_until_time_has_passed) {
    ReadBudget budget;
    SteadyTime now{};
    EXPECT_FALSE(budget.take(most_hashed + 1, now));
    EXPECT_TRUE(budget.take(most_hashed, now));
    EXPECT_FALSE(budget.take(1, now));
    now += milliseconds(50);
    EXPECT_TRUE(budget.take(most_hashed / 2, now));
    EXPECT_FALSE(budget.take(1, now));
    now += std::chrono::hours(1);
    EXPECT_TRUE(budget.take(most_hashed, now));
    EXPECT_FALSE(budget.take(1, now)) << "a long time is one bucket";
}

TEST(ReadBudget, many_small_files_cost_something_too) {
    ReadBudget budget;
    int read = 0;
    while (budget.take(1, SteadyTime{}))
        ++read;
    EXPECT_EQ(read, 4096);
}

}  // namespace
}  // namespace oneloop
