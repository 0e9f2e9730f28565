// One tick at a time: what is printed, stored and published, and what several watches share.
#include "tests/support/poller_fixture.h"
#include "tests/unit/environment.h"

namespace oneloop::worker::test_poller {
namespace {

using testing::HasSubstr;
using testing::Not;

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

// Cinemas print the time of Seoul, which has no summer; where the machine stands is of no account.
TEST_F(PollerTest, DatesAreThoseOfSeoulWhateverTheZoneOfTheMachine) {
    config_.watches[0].dates = DateRule{};
    config_.watches[0].dates.next = 1;
    // 2025-12-02 16:30 in London is 2025-12-03 01:30 in Seoul.
    now_.wall = noon + 13h + 30min;
    for (const char* zone : {"UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Seoul"}) {
        const test::ScopedEnv machine{"TZ", zone};
        ::tzset();
        restart();
        sent_.clear();
        pass(1h);
        tick({good("")});
        ASSERT_EQ(sent_.size(), 1U) << zone;
        EXPECT_THAT(sent_[0].form,
                    testing::Contains(std::pair<std::string, std::string>("playDe", "20251203")))
            << zone;
        EXPECT_THAT(sent_[0].form,
                    testing::Contains(std::pair<std::string, std::string>("crtDe", "20251203")))
            << zone;
        EXPECT_THAT(printed_, HasSubstr("+09:00")) << zone;
    }
    ::tzset();
}

// What two watches ask alike is sent once, and both see it; from then on they go in step.
TEST_F(PollerTest, WatchesWithTheSameQuestionsSendThemOnce) {
    Watch other = config_.watches[0];
    other.id = "v";
    other.where = {};
    config_.watches.push_back(other);
    restart();
    const std::string rows = row("1", "20251203", 5) + "," + row("2", "20251203", 5, "딴 영화");
    for (int round = 0; round < 3; ++round) {
        const int before = requests_;
        tick({good(rows), good("")});
        EXPECT_EQ(requests_ - before, 2) << round;
        const std::string first = printed_;
        EXPECT_EQ(poller_->tick(now_, {}), Outcome::done) << round;
        EXPECT_EQ(requests_ - before, 2) << round;
        EXPECT_THAT(first + printed_, testing::AllOf(HasSubstr("watch=w"), HasSubstr("watch=v")));
        EXPECT_THAT(first + printed_, HasSubstr("rows=2 match=2"));
        EXPECT_THAT(first + printed_, HasSubstr("rows=2 match=1"));
        EXPECT_EQ(poller_->tick(now_, {}), Outcome::idle) << round;
    }
}

// Control: watches that ask for different things are not polled for each other.
TEST_F(PollerTest, WatchesWithOtherQuestionsKeepTheirOwnTime) {
    Watch other = config_.watches[0];
    other.id = "v";
    other.sources[0].form[2].second = other.sources[0].form[3].second = "1351";
    config_.watches.push_back(other);
    restart();
    tick({});
    EXPECT_EQ(poller_->tick(now_, {}), Outcome::idle);  // one request a second
    tick({});
    EXPECT_EQ(requests_, 4);
    pass(20s);
    EXPECT_EQ(poller_->tick(now_, {}), Outcome::idle);
}

// A host that wants to be left alone is left alone by every watch, and the others go on.
TEST_F(PollerTest, ARefusalHoldsForAllWatchesOfTheHost) {
    Watch same_host = config_.watches[0];
    same_host.id = "v";
    same_host.sources[0].form[2].second = "1351";
    Watch elsewhere = config_.watches[0];
    elsewhere.id = "u";
    elsewhere.host.name = "other.test";
    elsewhere.sources[0].url = "https://other.test/";
    config_.watches.push_back(same_host);
    config_.watches.push_back(elsewhere);
    restart();
    HttpReply limited = status(429);
    limited.retry_after = 90s;
    tick({limited});
    EXPECT_THAT(printed_, HasSubstr("watch=w"));
    tick({});
    EXPECT_THAT(printed_, HasSubstr("watch=u"));
    const BootTime refused = now_.boot;
    for (int i = 0; i < 6; ++i) {
        tick({});
        if (printed_.find("watch=u") == std::string::npos && !printed_.empty()) break;
    }
    EXPECT_THAT(printed_, testing::AnyOf(HasSubstr("watch=v"), HasSubstr("watch=w")));
    EXPECT_GE(now_.boot - refused, 89s);
}

// The ledger belongs to the id and not to the line in the configuration.
TEST_F(PollerTest, AWatchThatIsTakenOutAndPutBackGoesOn) {
    tick({good(row("1", "20251203", 5)), good("")});
    const Config with = config_;
    config_.watches[0].id = "other";
    restart();
    tick({good(row("1", "20251203", 5)), good("")});
    EXPECT_THAT(printed_, HasSubstr("event.opened watch=other"));
    config_ = with;
    restart();
    tick({good(row("1", "20251203", 5) + "," + row("2", "20251203", 5)), good("")});
    EXPECT_THAT(printed_, HasSubstr("event.opened watch=w item=2"));
    EXPECT_THAT(printed_, testing::Not(HasSubstr("item=1 ")));
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

}  // namespace
}  // namespace oneloop::worker::test_poller
