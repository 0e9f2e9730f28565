// watchdog: when it looks, when it says "late", and everything that makes it wait.
#include "supervisor/watchdog.h"

#include <gtest/gtest.h>

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr SteadyTime t0{std::chrono::hours(1)};
constexpr Duration period = seconds(2);
const Hold counts{};
const Hold stopped{"it is stopped", false};
const Hold suspended{"the machine was suspended", true};

// Looks at each deadline from now on, and finds what `found` says for that moment. The moment at
// which it is late; none within `limit`.
template <class Found>
std::optional<SteadyTime> late_at(Watchdog& dog, Found found, Duration limit = seconds(60)) {
    const SteadyTime end = dog.deadline() + limit;
    while (dog.deadline() < end) {
        const SteadyTime now = dog.deadline();
        if (dog.looked(found(now), now)) return now;
        if (dog.deadline() <= now) {
            ADD_FAILURE() << "looks without an end";
            return std::nullopt;
        }
    }
    return std::nullopt;
}

TEST(Watchdog, without_a_sign_it_is_late_after_exactly_one_period) {
    Watchdog dog(period, t0);
    EXPECT_EQ(late_at(dog, [](SteadyTime) { return counts; }), t0 + period);
}

TEST(Watchdog, it_looks_four_times_a_period_at_most) {
    Watchdog dog(period, t0);
    int looks = 0;
    late_at(dog, [&](SteadyTime) {
        ++looks;
        return counts;
    });
    EXPECT_EQ(looks, 4);
}

TEST(Watchdog, signs_in_time_keep_it_quiet_for_ever) {
    Watchdog dog(period, t0);
    SteadyTime now = t0;
    for (int i = 0; i < 1000; ++i) {
        const SteadyTime next = now + period - milliseconds(1);
        while (dog.deadline() < next) {
            now = dog.deadline();
            ASSERT_FALSE(dog.looked(counts, now));
        }
        now = next;
        dog.sign(now);
    }
    EXPECT_EQ(late_at(dog, [](SteadyTime) { return counts; }), now + period);
}

TEST(Watchdog, as_long_as_it_is_held_it_never_fires_and_looks_once_a_period) {
    Watchdog dog(period, t0);
    int looks = 0;
    const auto late = late_at(
        dog,
        [&](SteadyTime) {
            ++looks;
            return stopped;
        },
        seconds(100));
    EXPECT_EQ(late, std::nullopt);
    EXPECT_EQ(looks, 50);
    EXPECT_EQ(dog.held(), "it is stopped");
}

// For every begin and every length of a hold: never while it lasts, a whole period afterwards, and
// two at most. What is shorter than the distance of two looks may not be seen.
TEST(Watchdog, after_every_hold_there_is_a_whole_new_period) {
    for (auto begin = milliseconds(0); begin < period; begin += milliseconds(50)) {
        for (auto length = milliseconds(0); length <= seconds(7); length += milliseconds(50)) {
            Watchdog dog(period, t0);
            const SteadyTime from = t0 + begin;
            const SteadyTime to = from + length;
            const auto late = late_at(
                dog, [&](SteadyTime now) { return from <= now && now < to ? stopped : counts; });
            ASSERT_TRUE(late);
            ASSERT_FALSE(from <= *late && *late < to);
            if (length > period / 4) {
                ASSERT_GE(*late, to + period) << begin.count() << ' ' << length.count();
                ASSERT_LE(*late, to + 2 * period) << begin.count() << ' ' << length.count();
            }
        }
    }
}

TEST(Watchdog, what_is_over_when_it_is_seen_is_followed_by_one_period) {
    Watchdog dog(period, t0);
    ASSERT_FALSE(dog.looked(suspended, dog.deadline()));
    EXPECT_EQ(dog.held(), "the machine was suspended");
    const SteadyTime seen = t0 + period / 4;
    EXPECT_EQ(late_at(dog, [](SteadyTime) { return counts; }), seen + period);
    EXPECT_EQ(dog.held(), "");
}

TEST(Watchdog, a_timer_that_comes_late_is_our_own_fault) {
    for (const bool beyond : {false, true}) {
        Watchdog dog(period, t0);
        const SteadyTime now = dog.deadline() + Watchdog::patience_with_ourselves +
                               (beyond ? Duration(1) : Duration(0));
        EXPECT_FALSE(dog.looked(counts, now));
        EXPECT_EQ(dog.held(), beyond ? "the supervisor itself did not run" : "");
        EXPECT_EQ(late_at(dog, [](SteadyTime) { return counts; }), (beyond ? now : t0) + period);
    }
}

TEST(Watchdog, far_too_late_is_not_late) {
    Watchdog dog(period, t0);
    const SteadyTime now = t0 + std::chrono::hours(8);
    EXPECT_FALSE(dog.looked(counts, now));
    EXPECT_EQ(late_at(dog, [](SteadyTime) { return counts; }), now + period);
}

TEST(Watchdog, what_it_finds_itself_goes_before_what_it_suspects) {
    Watchdog dog(period, t0);
    EXPECT_FALSE(dog.looked(stopped, t0 + seconds(30)));
    EXPECT_EQ(dog.held(), "it is stopped");
}

TEST(Watchdog, a_sign_ends_a_hold) {
    Watchdog dog(period, t0);
    ASSERT_FALSE(dog.looked(stopped, dog.deadline()));
    dog.sign(t0 + seconds(1));
    EXPECT_EQ(dog.held(), "");
    EXPECT_EQ(late_at(dog, [](SteadyTime) { return counts; }), t0 + seconds(1) + period);
    EXPECT_EQ(dog.last_sign(), t0 + seconds(1));
}

TEST(Watchdog, another_period_counts_from_now_on) {
    Watchdog dog(period, t0);
    dog.change_period(seconds(8), t0 + seconds(1));
    EXPECT_EQ(late_at(dog, [](SteadyTime) { return counts; }), t0 + seconds(9));
}

TEST(Watchdog, not_before_a_time_that_was_asked_for) {
    Watchdog dog(period, t0);
    dog.not_before(t0 + seconds(5));
    dog.not_before(t0 + seconds(4));  // asking for less takes nothing back
    EXPECT_EQ(late_at(dog, [](SteadyTime) { return counts; }), t0 + seconds(5));
}

}  // namespace
}  // namespace oneloop
