// One tick at a time, with the clock, the cinema and chance in the test's hands, and a real store.
#include "worker/poller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "tests/support/process.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Outcome = Poller::Outcome;

// 2025-12-02 12:00 in Seoul.
const WallTime noon{std::chrono::sys_days{std::chrono::year{2025} / 12 / 2} + 3h};

std::string row(const std::string& id, const std::string& date, int seats,
                const std::string& title = "별의 아이", const std::string& start = "19:00") {
    return R"({"playSchdlNo":")" + id + R"(","brchNo":"7011","rpstMovieNm":")" + title +
           R"(","playDe":")" + date + R"(","playStartTime":")" + start +
           R"(","playEndTime":"21:00","theabExpoNm":"1관","restSeatCnt":)" + std::to_string(seats) +
           R"(,"totSeatCnt":100,"bokdAbleAt":"Y"})";
}

HttpReply good(const std::string& rows) {
    HttpReply reply;
    reply.code = 200;
    reply.body = R"({"statCd":0,"megaMap":{"movieFormList":[)" + rows + "]}}";
    return reply;
}
HttpReply status(int code) {
    HttpReply reply;
    reply.code = code;
    return reply;
}
HttpReply down() {
    HttpReply reply;
    reply.error = "refused";
    return reply;
}

class PollerTest : public testing::Test {
  protected:
    PollerTest() {
        ConfigReading reading = parse_config(R"(version = 1
[[watch]]
id = "w"
dates = ["2025-12-03", "2025-12-04"]
where = [ { field = "title", contains = "별의아이" } ]
source = { preset = "megabox", branch = "7011" }
)",
                                             "test");
        config_ = reading.config;
        restart();
    }

    void restart() {
        poller_.reset();
        Poller::Parts parts;
        parts.fetch = [this](const std::vector<HttpRequest>& requests, std::stop_token) {
            requests_ += static_cast<int>(requests.size());
            if (during_fetch_) during_fetch_();
            std::vector<HttpReply> replies;
            for (std::size_t i = 0; i < requests.size(); ++i) {
                replies.push_back(replies_.empty() ? good("") : replies_.front());
                if (!replies_.empty()) replies_.pop_front();
            }
            now_.boot += 100ms;
            now_.wall += 100ms;
            return replies;
        };
        parts.print = [this](const std::string& text) { printed_ = text; };
        parts.now = [this] { return now_; };
        parts.roll = [] { return 0.0; };
        parts.may_continue = [this] { return allowed_; };
        poller_ = std::make_unique<Poller>(config_, Store(dir_.file("s.db")), board_,
                                           Zone::named("Asia/Seoul").value(),
                                           Style{LogFormat::logfmt, Language::ko, "j"}, parts);
    }

    // Lets the time go to the next due tick and turns the crank.
    Outcome tick(std::initializer_list<HttpReply> replies) {
        replies_ = replies;
        printed_.clear();
        const auto left = std::max(poller_->due() - now_.boot, BootTime::duration{0});
        pass(left);
        return poller_->tick(now_, stop_.get_token());
    }
    void pass(std::chrono::nanoseconds time) {
        now_.boot += time;
        now_.wall += std::chrono::duration_cast<WallTime::duration>(time);
    }
    std::shared_ptr<const Snapshot> seen() const { return board_.read(); }

    test::TempDir dir_;
    Config config_;
    StatusBoard board_;
    Moment now_{BootTime(1h), noon};
    std::deque<HttpReply> replies_;
    std::function<void()> during_fetch_;
    std::stop_source stop_;
    std::string printed_;
    int requests_ = 0;
    bool allowed_ = true;
    std::unique_ptr<Poller> poller_;
};

TEST_F(PollerTest, AnOpeningIsPrintedStoredAndPublished) {
    EXPECT_EQ(tick({good(""), good("")}), Outcome::done);
    EXPECT_EQ(seen()->source, "empty");
    EXPECT_FALSE(seen()->open);
    EXPECT_EQ(tick({good(row("1", "20251203", 5)), good("")}), Outcome::done);
    EXPECT_THAT(printed_, HasSubstr("ev=event.opened"));
    EXPECT_TRUE(seen()->open);
    EXPECT_EQ(seen()->rows.size(), 1U);
    EXPECT_EQ(seen()->tick, 2U);
    EXPECT_EQ(seen()->checked, "2025-12-02 12:00:30");
    EXPECT_TRUE(seen()->polling);
    EXPECT_EQ(seen()->source, "ok");
}

// Defect 1: with two dates, the second show at 19:00 was never announced.
TEST_F(PollerTest, Defect1TheSameStartOnTwoDatesIsTwoEvents) {
    tick({good(row("1", "20251203", 5)), good(row("2", "20251204", 5))});
    EXPECT_THAT(printed_, HasSubstr("item=1 "));
    EXPECT_THAT(printed_, HasSubstr("item=2 "));
}

// Defect 2: what was announced lived in memory only.
TEST_F(PollerTest, Defect2ARestartAnnouncesNothingAgain) {
    tick({good(row("1", "20251203", 5)), good("")});
    EXPECT_THAT(printed_, HasSubstr("event.opened"));
    restart();
    EXPECT_TRUE(seen()->open);  // known before the first poll: no flip to closed and back
    EXPECT_EQ(seen()->rows.size(), 1U);
    tick({good(row("1", "20251203", 4)), good("")});
    EXPECT_THAT(printed_, Not(HasSubstr("event.")));
    EXPECT_THAT(printed_, HasSubstr("tick=2 "));
}

// Defect 4: a block page looked like "not open yet".
TEST_F(PollerTest, Defect4ABrokenSourceIsSaidAndClosesNothing) {
    tick({good(row("1", "20251203", 5)), good("")});
    HttpReply html = status(200);
    html.body = "<html>";
    for (const auto& [reply, source] : {std::pair{html, "blocked"},
                                        {status(403), "blocked"},
                                        {status(200), "shape"},
                                        {down(), "down"}}) {
        EXPECT_EQ(tick({reply, reply}), Outcome::done);
        EXPECT_EQ(seen()->source, source);
        EXPECT_THAT(printed_, HasSubstr(std::string("source=") + source));
        EXPECT_THAT(printed_, Not(HasSubstr("event.")));
        EXPECT_TRUE(seen()->open);
        EXPECT_EQ(seen()->checked, "2025-12-02 12:00:00");  // the last time it could be read
    }
}

// Defect 5: an exception on date 2 discarded the result of date 1.
TEST_F(PollerTest, Defect5OneDateFailsTheOtherCounts) {
    for (const auto& bad : {down(), status(403), status(200)}) {
        const std::string id = std::to_string(requests_ + 1);
        tick({good(row(id, "20251203", 5)), bad});
        EXPECT_THAT(printed_, HasSubstr("event.opened"));
        EXPECT_THAT(printed_, HasSubstr("12/04"));
        const std::string other = std::to_string(requests_ + 1);
        tick({bad, good(row(other, "20251204", 5))});
        EXPECT_THAT(printed_, HasSubstr("item=" + other + " "));
        EXPECT_THAT(printed_, Not(HasSubstr("event.gone watch=w item=" + id)));
        tick({good(""), good("")});
    }
}

// Defect 6: a sold-out show counted as open, and returned seats were no event.
TEST_F(PollerTest, Defect6SeatsDecideWhetherItIsOpen) {
    tick({good(row("1", "20251203", 0)), good("")});
    EXPECT_FALSE(seen()->open);
    EXPECT_EQ(seen()->rows.size(), 1U);
    tick({good(row("1", "20251203", 1)), good("")});
    EXPECT_THAT(printed_, HasSubstr("event.available"));
    EXPECT_TRUE(seen()->open);
    tick({good(row("1", "20251203", 0)), good("")});
    EXPECT_THAT(printed_, HasSubstr("event.sold_out"));
    EXPECT_FALSE(seen()->open);
}

// Defect 7: a keyword missed a title with entities.
TEST_F(PollerTest, Defect7AKeywordMeetsADecodedTitle) {
    tick({good(row("1", "20251203", 5, "&#48324;의 아이")), good("")});
    EXPECT_THAT(printed_, HasSubstr("event.opened"));
}

TEST_F(PollerTest, OtherFilmsAreKnownButNotNews) {
    tick({good(row("1", "20251203", 5, "다른 영화")), good("")});
    EXPECT_THAT(printed_, HasSubstr("rows=1 match=0 new=0"));
    EXPECT_FALSE(seen()->open);
    config_.watches[0].where.clear();  // the user changes `where`: no flood of old news
    restart();
    tick({good(row("1", "20251203", 5, "다른 영화")), good("")});
    EXPECT_THAT(printed_, HasSubstr("rows=1 match=1 new=0"));
}

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
    EXPECT_EQ(seen()->duplicates_prevented, 1U);
}

TEST_F(PollerTest, ATickClaimedMeanwhileIsNotSaved) {
    during_fetch_ = [this] {
        Store other(dir_.file("s.db"));
        ASSERT_TRUE(other.claim_tick("w", 1, now_.wall + 30s, 30s));
    };
    EXPECT_EQ(tick({good(row("1", "20251203", 5)), good("")}), Outcome::raced);
    EXPECT_EQ(printed_, "");
    EXPECT_FALSE(seen()->open);
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
}  // namespace oneloop::worker
