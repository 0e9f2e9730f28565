// One tick at a time: what is printed, stored and published, and what several watches share.
#include <map>

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

// Ten dates at one request a second: the tick rests between them, as one tick, and a watch of
// another host is polled meanwhile. One of the same host waits: that is the control.
TEST_F(PollerTest, AWatchOfManyDatesHoldsUpNoOtherHost) {
    for (int day = 5; day <= 12; ++day)
        config_.watches[0].dates.list.push_back(
            plus_days(config_.watches[0].dates.list[0], day - 3));
    Watch other = config_.watches[0];
    other.id = "u";
    other.dates.list.resize(1);
    other.sources[0].form[2].second = other.sources[0].form[3].second = "1351";
    for (const bool elsewhere : {true, false}) {
        SCOPED_TRACE(elsewhere);
        config_.watches.resize(1);
        config_.watches[0].id = elsewhere ? "w" : "v";
        if (elsewhere) {
            other.host.name = "other.test";
            other.sources[0].url = "https://other.test/";
        } else {
            other.id = "t";
            other.host = config_.watches[0].host;
            other.sources[0].url = config_.watches[0].sources[0].url;
        }
        config_.watches.push_back(other);
        const std::string many = config_.watches[0].id;
        restart();
        const BootTime began = now_.boot;
        replies_ = {good(row("1", "20251203", 5))};
        requests_ = 0;
        std::map<std::string, BootTime::duration> done;
        while (done.size() < 2) {
            pass(std::max(poller_->due() - now_.boot, BootTime::duration{0}));
            printed_.clear();
            const Outcome outcome = poller_->tick(now_, {});
            if (outcome == Outcome::waiting) {
                EXPECT_TRUE(poller_->midway());
                // Claimed, and nothing else: it is one transaction, at its end.
                Store file(dir_.file("s.db"));
                EXPECT_EQ(file.load_watch(many).tick, 1U);
                EXPECT_TRUE(file.load_items(many).empty());
                EXPECT_TRUE(poller_->hurry(many, now_.boot)) << "afterwards";
            }
            if (outcome != Outcome::done) continue;
            done[printed_.find("watch=" + many) != std::string::npos ? many : other.id] =
                now_.boot - began;
        }
        EXPECT_FALSE(poller_->midway());
        EXPECT_EQ(requests_, 11);
        EXPECT_GE(done[many], 8s);
        if (elsewhere) {
            EXPECT_LT(done[other.id], 1s);
        } else {
            EXPECT_GE(done[other.id], 1s);
        }
        EXPECT_EQ(Store(dir_.file("s.db")).load_items(many).size(), 1U);
    }
}

// The process ends in the middle of a tick that rests: that poll is lost and nothing of its news.
TEST_F(PollerTest, ACrashWhileATickWaitsForItsHostLosesNoNews) {
    config_.watches[0].dates.list.push_back(plus_days(config_.watches[0].dates.list[1], 1));
    restart();
    replies_ = {good(row("1", "20251203", 5))};
    EXPECT_EQ(poller_->tick(now_, {}), Outcome::waiting);
    EXPECT_EQ(requests_, 2);
    restart();
    EXPECT_EQ(poller_->tick(now_, {}), Outcome::idle);  // not at once
    EXPECT_EQ(tick({good(row("1", "20251203", 5))}), Outcome::done);
    EXPECT_THAT(printed_, HasSubstr("event.opened watch=w item=1"));
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
