// readiness: when a worker is ready, and when it has failed though it lives.
#include "supervisor/readiness.h"

#include <gtest/gtest.h>

namespace oneloop {
namespace {

using By = ReadySpec::By;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr SteadyTime t0{std::chrono::hours(1)};
const Hold counts{};
const Hold stopped{"it is stopped", false};

NotifyMessage message(const std::string& text) {
    return parse_notify_message(text).value_or(NotifyMessage{});
}

Readiness running(const ReadinessOptions& options) {
    Readiness readiness(options);
    readiness.spawned();
    readiness.started(t0);
    return readiness;
}

// Looks at each deadline and finds nothing that holds the worker. When and why it has failed.
std::optional<std::pair<SteadyTime, Unresponsive>> fails(Readiness& readiness) {
    for (int i = 0; i < 1000 && readiness.deadline(); ++i) {
        const SteadyTime now = *readiness.deadline();
        if (auto verdict = readiness.looked(counts, now)) return std::pair(now, *verdict);
    }
    return std::nullopt;
}

TEST(Readiness, without_a_condition_it_is_ready_when_it_is_started) {
    Readiness readiness({});
    readiness.spawned();
    EXPECT_FALSE(readiness.ready());
    EXPECT_EQ(readiness.took(t0), std::nullopt);
    readiness.started(t0);
    EXPECT_TRUE(readiness.ready());
    EXPECT_EQ(readiness.took(t0 + seconds(9)), Duration{});
    EXPECT_EQ(readiness.deadline(), std::nullopt) << "no wake-ups without a watchdog";
}

TEST(Readiness, only_the_condition_that_was_chosen_counts) {
    for (const By by : {By::started, By::notify, By::socket, By::http}) {
        Readiness readiness = running({by, seconds(90), {}});
        EXPECT_EQ(readiness.ready(), by == By::started);
        readiness.said(message("READY=1"), t0 + milliseconds(410));
        EXPECT_EQ(readiness.ready(), by == By::started || by == By::notify);
        readiness.answered(t0 + seconds(1));
        EXPECT_TRUE(readiness.ready());
        if (by == By::notify) {
            EXPECT_EQ(readiness.took(t0 + seconds(5)), milliseconds(410));
        }
        EXPECT_EQ(readiness.deadline(), std::nullopt);
    }
}

TEST(Readiness, what_it_says_may_come_before_the_news_of_its_start) {
    Readiness readiness({By::notify, seconds(90), {}});
    readiness.spawned();
    readiness.said(message("READY=1\nSTATUS=fast"), t0);
    EXPECT_FALSE(readiness.ready());
    readiness.started(t0);
    EXPECT_TRUE(readiness.ready());
    EXPECT_EQ(readiness.status(), "fast");
}

TEST(Readiness, nothing_of_one_generation_counts_for_the_next) {
    Readiness readiness = running({By::notify, seconds(90), seconds(2)});
    readiness.said(message("READY=1\nSTATUS=old\nWATCHDOG_USEC=9000000"), t0);
    ASSERT_TRUE(readiness.ready());
    readiness.over();
    EXPECT_FALSE(readiness.ready());
    readiness.said(message("READY=1"), t0);  // its last words
    EXPECT_EQ(readiness.deadline(), std::nullopt);
    readiness.spawned();
    readiness.started(t0 + seconds(60));
    EXPECT_FALSE(readiness.ready());
    EXPECT_EQ(readiness.status(), "");
    readiness.said(message("READY=1"), t0 + seconds(61));
    EXPECT_EQ(readiness.clock()->period(), seconds(2));
}

TEST(Readiness, not_ready_in_time) {
    Readiness readiness = running({By::socket, seconds(90), seconds(2)});
    const auto failure = fails(readiness);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->first, t0 + seconds(90));
    EXPECT_EQ(failure->second, (Unresponsive{"was not ready within 90s", false}));
}

TEST(Readiness, without_a_limit_it_may_take_for_ever) {
    Readiness readiness = running({By::socket, Duration{}, seconds(2)});
    EXPECT_EQ(readiness.deadline(), std::nullopt);
    readiness.answered(t0 + std::chrono::hours(9));
    EXPECT_EQ(readiness.took(t0), std::chrono::hours(9));
}

TEST(Readiness, a_worker_may_ask_for_more_time_to_get_ready) {
    Readiness readiness = running({By::notify, seconds(4), {}});
    readiness.said(message("EXTEND_TIMEOUT_USEC=9000000"), t0 + seconds(1));
    EXPECT_EQ(fails(readiness)->first, t0 + seconds(10));
    Readiness ready = running({By::started, seconds(4), seconds(2)});
    ready.said(message("EXTEND_TIMEOUT_USEC=9000000"), t0);
    EXPECT_EQ(fails(ready)->first, t0 + seconds(2)) << "not for the watchdog";
}

TEST(Readiness, while_time_stands_still_it_may_take_longer) {
    Readiness readiness = running({By::http, seconds(4), {}});
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(readiness.looked(stopped, *readiness.deadline()), std::nullopt);
    EXPECT_EQ(readiness.clock()->held(), "it is stopped");
    EXPECT_TRUE(fails(readiness));
}

TEST(Readiness, from_its_readiness_on_it_has_to_give_signs) {
    Readiness readiness = running({By::notify, seconds(90), seconds(2)});
    readiness.said(message("WATCHDOG=1"), t0);  // not asked for yet
    EXPECT_FALSE(readiness.expects_signs());
    readiness.said(message("READY=1"), t0 + seconds(10));
    EXPECT_TRUE(readiness.expects_signs());
    readiness.said(message("WATCHDOG=1"), t0 + milliseconds(11'500));
    const auto failure = fails(readiness);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->first, t0 + milliseconds(13'500));
    EXPECT_EQ(failure->second, (Unresponsive{"said nothing for 2.0s (--watchdog 2s)", true}));
}

TEST(Readiness, a_worker_may_change_its_period) {
    Readiness readiness = running({By::started, {}, milliseconds(1500)});
    readiness.said(message("WATCHDOG_USEC=3000000"), t0 + seconds(1));
    auto failure = fails(readiness);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->first, t0 + seconds(4));
    EXPECT_EQ(failure->second.what, "said nothing for 3.0s (WATCHDOG_USEC, 3s)");
    readiness.said(message("WATCHDOG_USEC=1"), t0 + seconds(4));
    EXPECT_EQ(readiness.clock()->period(), Readiness::shortest_period);
    readiness.said(message("WATCHDOG_USEC=0"), t0 + seconds(4));
    EXPECT_EQ(readiness.deadline(), std::nullopt);
    // Without --watchdog nobody watches.
    Readiness unwatched = running({});
    unwatched.said(message("WATCHDOG_USEC=1000000\nWATCHDOG=1"), t0);
    EXPECT_EQ(unwatched.deadline(), std::nullopt);
}

TEST(Readiness, a_worker_may_give_itself_up) {
    Readiness readiness = running({});
    const auto verdict = readiness.said(message("WATCHDOG=trigger"), t0);
    ASSERT_TRUE(verdict);
    EXPECT_TRUE(verdict->hangs);
    readiness.over();
    EXPECT_EQ(readiness.said(message("WATCHDOG=trigger"), t0), std::nullopt);
}

TEST(Readiness, when_it_is_told_to_stop_nothing_is_expected_any_more) {
    for (const By by : {By::started, By::notify}) {
        Readiness readiness = running({by, seconds(4), seconds(2)});
        readiness.over();
        EXPECT_EQ(readiness.deadline(), std::nullopt);
        readiness.answered(t0);
        readiness.started(t0);  // the news may come late
        EXPECT_FALSE(readiness.ready());
        EXPECT_EQ(readiness.deadline(), std::nullopt);
    }
}

TEST(ParseReady, the_words) {
    EXPECT_EQ(parse_ready("none"), (ReadySpec{By::started, ""}));
    EXPECT_EQ(parse_ready("notify"), (ReadySpec{By::notify, ""}));
    EXPECT_EQ(parse_ready("socket"), (ReadySpec{By::socket, ""}));
    EXPECT_EQ(parse_ready("http:/"), (ReadySpec{By::http, "/"}));
    EXPECT_EQ(parse_ready("http:/healthz?full=1"), (ReadySpec{By::http, "/healthz?full=1"}));
    for (const char* text : {"", "None", "http", "http:", "http:healthz", "http://[x y",
                             "http:/a b", "http:/a\r\nX: y", "https:/x", "socket:/", "tcp"}) {
        EXPECT_FALSE(parse_ready(text)) << text;
    }
    EXPECT_FALSE(parse_ready("http:/" + std::string(2000, 'x')));
}

}  // namespace
}  // namespace oneloop
