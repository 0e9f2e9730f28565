// One tick at a time: when it is due, who may have it, and what a crash leaves.
#include <set>

#include "tests/support/poller_fixture.h"

namespace oneloop::worker::test_poller {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(PollerTest, NothingBeforeTheDueTime) {
    tick({});
    const int before = requests_;
    EXPECT_EQ(poller_->tick(now_, {}), Outcome::idle);
    pass(29s);
    EXPECT_EQ(poller_->tick(now_, {}), Outcome::idle);
    EXPECT_EQ(requests_, before);
}

TEST_F(PollerTest, ARestartInsideAPeriodDoesNotPollExtra) {
    tick({});
    const int before = requests_;
    for (int i = 0; i < 5; ++i) {
        restart();
        EXPECT_EQ(poller_->tick(now_, {}), Outcome::idle);
    }
    EXPECT_EQ(requests_, before);
    EXPECT_NEAR(std::chrono::duration<double>(poller_->due() - now_.boot).count(), 29.9, 0.1);
}

TEST_F(PollerTest, ACrashWhilePollingLosesThatPollAndRepeatsNothing) {
    during_fetch_ = [] { throw std::runtime_error("crash"); };
    EXPECT_THROW(tick({}), std::runtime_error);
    during_fetch_ = nullptr;
    restart();
    EXPECT_EQ(poller_->tick(now_, {}), Outcome::idle);
    EXPECT_EQ(tick({good(row("1", "20251203", 5)), good("")}), Outcome::done);
    EXPECT_THAT(printed_, HasSubstr("tick=2 "));
    EXPECT_THAT(printed_, HasSubstr("event.opened"));  // nothing was lost with the poll
}

TEST_F(PollerTest, ATickThatSomebodyElseClaimedIsNotPolled) {
    tick({});
    Store other(dir_.file("s.db"));
    ASSERT_TRUE(other.claim_tick("w", 1, now_.wall + 30s, 30s));
    const int before = requests_;
    EXPECT_EQ(tick({}), Outcome::raced);
    EXPECT_EQ(requests_, before);
    EXPECT_EQ(seen()->prevented.of(Twice::tick), 1U);
}

TEST_F(PollerTest, ATickClaimedMeanwhileIsNotSaved) {
    bool claimed = false;
    during_fetch_ = [&] {
        Store other(dir_.file("s.db"));
        claimed = claimed || other.claim_tick("w", 1, now_.wall + 30s, 30s);
    };
    EXPECT_EQ(tick({good(row("1", "20251203", 5)), good("")}), Outcome::raced);
    EXPECT_TRUE(claimed);
    EXPECT_EQ(seen()->prevented.of(Twice::write), 1U);
    EXPECT_EQ(printed_, "");
    EXPECT_FALSE(seen()->open);
}

// The ledger has forgotten the showtime, and the events have not.
TEST_F(PollerTest, AnEventThatWasStoredBeforeIsCountedAsPrevented) {
    tick({good(""), good("")});
    tick({good(row("1", "20251203", 5)), good("")});
    EXPECT_THAT(printed_, HasSubstr("event.opened"));
    Store other(dir_.file("s.db"));
    ASSERT_TRUE(
        other.commit("w", other.load_watch("w"), {}, Date{std::chrono::year{2999} / 1 / 1}));
    restart();
    EXPECT_EQ(seen()->prevented.total(), 0U);
    EXPECT_EQ(tick({good(row("1", "20251203", 5)), good("")}), Outcome::done);
    EXPECT_EQ(seen()->prevented.of(Twice::event), 1U);
}

TEST_F(PollerTest, TheLagIsHowLateATickBegan) {
    tick({});
    EXPECT_EQ(seen()->lag, 0ns);
    pass(poller_->due() - now_.boot + 15s);
    ASSERT_EQ(poller_->tick(now_, {}), Outcome::done);
    EXPECT_EQ(seen()->lag, 15s);
    tick({});
    EXPECT_EQ(seen()->lag, 0ns);
}

TEST_F(PollerTest, RequestsAreCountedByHostAndStatus) {
    const auto asked = [this](int code) {
        const auto found = seen()->asked.find({"www.megabox.co.kr", code});
        return found == seen()->asked.end() ? 0U : found->second;
    };
    tick({good(""), status(403)});
    EXPECT_EQ(asked(200), 1U);
    EXPECT_EQ(asked(403), 1U);
    tick({good(""), down()});
    EXPECT_EQ(asked(0), 1U);
    HttpReply odd = status(712);
    tick({good(""), odd});
    EXPECT_EQ(asked(712), 0U);
    EXPECT_EQ(asked(0), 2U);
    EXPECT_EQ(asked(200), 3U);
    EXPECT_EQ(seen()->asked.size(), 3U);
}

TEST_F(PollerTest, WithoutPermissionNothingIsSentOrSaved) {
    allowed_ = false;
    EXPECT_EQ(tick({}), Outcome::refused);
    EXPECT_EQ(requests_, 0);
    allowed_ = true;
    during_fetch_ = [this] { allowed_ = false; };
    EXPECT_EQ(tick({good(row("1", "20251203", 5)), good("")}), Outcome::refused);
    EXPECT_EQ(printed_, "");
    allowed_ = true;
    during_fetch_ = nullptr;
    restart();
    EXPECT_FALSE(seen()->open);
}

TEST_F(PollerTest, AStopWhilePollingSavesNothing) {
    during_fetch_ = [this] { stop_.request_stop(); };
    EXPECT_EQ(tick({good(row("1", "20251203", 5)), good("")}), Outcome::stopped);
    EXPECT_EQ(printed_, "");
}

TEST_F(PollerTest, FailuresBackOffAndAreForgotten) {
    const auto distance = [this](const HttpReply& reply) {
        const BootTime before = std::max(poller_->due(), now_.boot);
        tick({reply, reply});
        return std::chrono::round<std::chrono::seconds>(poller_->due() - before);
    };
    EXPECT_EQ(distance(down()), 30s);
    for (int i = 0; i < 4; ++i)
        distance(down());
    EXPECT_EQ(distance(down()), 64s);
    restart();  // a reload is no amnesty
    EXPECT_EQ(distance(down()), 128s);
    EXPECT_EQ(distance(good("")), 30s);
    HttpReply limited = status(429);
    limited.retry_after = 90s;
    EXPECT_EQ(distance(limited), 90s);
}

TEST_F(PollerTest, PastDatesAreNotAskedFor) {
    now_.wall = noon + 24h * 30;
    EXPECT_EQ(tick({}), Outcome::done);
    EXPECT_EQ(requests_, 0);
}

TEST_F(PollerTest, OneTextPerTick) {
    int texts = 0;
    for (int i = 0; i < 10; ++i) {
        tick({good(row(std::to_string(i), "20251203", 5)), down()});
        texts += !printed_.empty();
    }
    EXPECT_EQ(texts, 10);
}

TEST_F(PollerTest, NothingIsOpenedTwiceInARandomHistoryWithRestarts) {
    std::uint32_t seed = 12345;
    const auto chance = [&seed](std::uint32_t n) {
        seed = seed * 1664525U + 1013904223U;
        return (seed >> 16U) % n;
    };
    std::set<std::string> opened;
    for (int i = 0; i < 300; ++i) {
        std::string rows;
        for (int id = 0; id < 6; ++id) {
            if (chance(3) == 0) continue;
            rows += (rows.empty() ? "" : ",") +
                    row(std::to_string(id), "20251203", static_cast<int>(chance(3)));
        }
        tick({chance(4) == 0 ? down() : good(rows), good("")});
        for (std::size_t at = 0;
             (at = printed_.find("event.opened watch=w item=", at)) != std::string::npos; ++at) {
            EXPECT_TRUE(opened.insert(printed_.substr(at + 26, 1)).second) << "announced twice";
        }
        if (chance(5) == 0) restart();
    }
    EXPECT_EQ(opened.size(), 6U);
}

}  // namespace
}  // namespace oneloop::worker::test_poller
