// Quiet hours, and a source that goes on failing.
#include "tests/support/alert_fixture.h"

namespace oneloop::worker::test_poller {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The clock starts at noon.
class QuietTest : public AlertTest {
  protected:
    QuietTest() { configure_quiet(""); }
    void configure_quiet(const std::string& limits, const std::string& of_watch = "") {
        configure(of_watch, "별의아이", limits,
                  "body = \"{subject}\\n{items}\"\nquiet = { from = \"12:30\", to = \"14:00\" }\n");
    }
    // Polls that see this until the quiet hours are over; what is told in all of them.
    std::vector<std::string> until_the_end(const std::string& rows) {
        std::vector<std::string> result;
        while (now_.wall < noon + 2h) {
            for (std::string& one : told({good(rows), good("")}))
                result.push_back(std::move(one));
        }
        return result;
    }
    std::vector<std::string> written() {
        OutboxStore outbox(dir_.file("s.db"));
        std::vector<std::string> result;
        for (const StoredMessage& message : outbox.open_messages())
            result.push_back(outbox.payload(message.id));
        return result;
    }

    const std::string one_ = row("1", "20251203", 5);
    const std::string two_ = one_ + "," + row("2", "20251203", 5, "별의 아이", "21:00");
};

TEST_F(QuietTest, WhatIsNewMeanwhileIsOneDigestAfterwards) {
    told({good(""), good("")});
    pass(40min);
    EXPECT_THAT(told({good(one_), good("")}), IsEmpty());
    pass(10min);
    EXPECT_THAT(told({good(two_), good("")}), IsEmpty());
    restart();
    const auto now_sold = row("1", "20251203", 0) + "," + row("2", "20251203", 3);
    const auto digest = until_the_end(now_sold);
    ASSERT_EQ(digest.size(), 1U);
    EXPECT_THAT(digest[0], AllOf(HasSubstr("조용한 시간의 소식 2건"), HasSubstr("19:00"),
                                 HasSubstr("매진/100"), HasSubstr("3/100")));
    EXPECT_THAT(told({good(now_sold), good("")}), IsEmpty());
    restart();
    EXPECT_THAT(told({good(now_sold), good("")}), IsEmpty());
}

// The loop wakes for it: the next poll may be hours away.
TEST_F(QuietTest, ItIsToldWhenTheHoursEndAndNotAtTheNextPoll) {
    told({good(""), good("")});
    pass(40min);
    told({good(one_), good("")});
    config_.watches[0].pace.every = 6h;
    restart();
    told({good(one_), good("")});
    EXPECT_EQ(now_.wall + (poller_->due() - now_.boot), noon + 2h);
    const int before = requests_;
    pass(poller_->due() - now_.boot);
    EXPECT_EQ(poller_->tick(now_, {}), Outcome::idle);
    EXPECT_EQ(requests_, before);
    EXPECT_EQ(written().size(), 1U);
    EXPECT_GT(poller_->due(), now_.boot + 3h) << "nothing more is held";
}

TEST_F(QuietTest, AHundredShowtimesOfAnotherFilterAreInItToo) {
    told({good(""), good("")});
    pass(40min);
    std::string rows;
    for (int i = 0; i < 100; ++i)
        rows += (i ? "," : "") + row(std::to_string(i), "20251203", 5, "딴 영화");
    told({good(rows), good("")});
    configure("", "영화", "",
              "body = \"{subject}\"\nquiet = { from = \"12:30\", to = \"14:00\" }\n");
    EXPECT_THAT(told({good(rows), good("")}), IsEmpty());
    EXPECT_THAT(until_the_end(rows), ElementsAre("[oneloop] w: 조용한 시간의 소식 100건"));
}

TEST_F(QuietTest, ACrashBetweenTheNightAndTheDigestRepeatsAndLosesNothing) {
    told({good(""), good("")});
    pass(40min);
    told({good(one_), good("")});
    pass(2h);
    // Killed by the transaction that would have told it.
    Store store(dir_.file("s.db"));
    const auto held = store.held_for("x");
    ASSERT_EQ(held.size(), 1U);
    EXPECT_THAT(written(), IsEmpty());
    restart();
    told({good(one_), good("")});
    EXPECT_EQ(written().size(), 1U);
    EXPECT_THAT(Store(dir_.file("s.db")).held_for("x"), IsEmpty());
}

TEST_F(QuietTest, AFailingSourceIsToldAfterwardsTogetherWithItsEnd) {
    configure_quiet("[source_health]\nchannels = [\"x\"]\nfail_after = 2\n");
    told({good(""), good("")});
    pass(40min);
    for (int i = 0; i < 3; ++i)
        EXPECT_THAT(told({down(), down()}), IsEmpty());
    EXPECT_THAT(told({good(one_), good("")}), IsEmpty());
    const auto digest = until_the_end(one_);
    ASSERT_EQ(digest.size(), 1U);
    EXPECT_THAT(digest[0], AllOf(HasSubstr("w: 조회 연속 실패 2회"),
                                 HasSubstr("w: 다시 조회됩니다"), HasSubstr("별의 아이")));
}

TEST_F(QuietTest, WithoutQuietHoursAnyMoreItIsToldAtOnce) {
    told({good(""), good("")});
    pass(40min);
    told({good(one_), good("")});
    configure("", "별의아이", "", "body = \"{subject}\"\n");
    EXPECT_THAT(told({good(one_), good("")}), ElementsAre(HasSubstr("조용한 시간의 소식 1건")));
}

TEST_F(QuietTest, WhatIsMutedMeanwhileIsNotToldAfterwards) {
    told({good(""), good("")});
    pass(40min);
    told({good(one_), good("")});
    muted_.insert("w");
    EXPECT_THAT(until_the_end(one_), IsEmpty());
    muted_.clear();
    EXPECT_THAT(told({good(one_), good("")}), IsEmpty()) << "as if it were found in the mute time";
    EXPECT_THAT(told({good(two_), good("")}), ElementsAre(HasSubstr("새 회차 1개")));
}

TEST_F(QuietTest, AShortMaxAgeDropsNothingThatTheyHeldBack) {
    configure("", "별의아이", "",
              "body = \"{subject}\"\nmax_age = \"10min\"\n"
              "quiet = { from = \"12:30\", to = \"14:00\" }\n");
    told({good(""), good("")});
    pass(40min);
    told({good(one_), good("")});
    EXPECT_THAT(until_the_end(one_), ElementsAre(HasSubstr("조용한 시간의 소식 1건")));
}

// Another process has the state file now: the loop must not turn on the spot.
TEST_F(QuietTest, WhoMayNotGoOnTellsNothingAndSaysSo) {
    told({good(""), good("")});
    pass(40min);
    told({good(one_), good("")});
    paused_.insert("w");
    poller_->heed_pauses(now_.boot);
    pass(2h);
    allowed_ = false;
    EXPECT_EQ(poller_->tick(now_, {}), Outcome::refused);
    EXPECT_THAT(written(), IsEmpty());
}

TEST_F(QuietTest, AFullQueueKeepsItHeld) {
    configure_quiet("[limits]\nmax_pending = 1\n");
    told({good(one_), good("")});  // a digest, which nobody delivers
    pass(40min);
    told({good(two_), good("")});
    EXPECT_THAT(until_the_end(two_), IsEmpty());
    OutboxStore outbox(dir_.file("s.db"));
    for (const StoredMessage& message : outbox.open_messages())
        ASSERT_TRUE(outbox.save(message.id, message.life,
                                settle(message.life, Accepted{}, {}, noon), noon));
    pass(1min);
    EXPECT_THAT(told({good(two_), good("")}), ElementsAre(HasSubstr("조용한 시간의 소식 1건")));
}

// The negative control: the same polls in a channel without quiet hours.
TEST_F(QuietTest, ControlWithoutThemEachPollIsTold) {
    configure("", "별의아이", "", "body = \"{subject}\"\n");
    told({good(""), good("")});
    pass(40min);
    EXPECT_EQ(told({good(one_), good("")}).size(), 1U);
    EXPECT_EQ(told({good(two_), good("")}).size(), 1U);
}

class RemindTest : public AlertTest {
  protected:
    std::size_t reminders_in(std::chrono::hours time) {
        std::size_t count = 0;
        const WallTime end = now_.wall + time;
        while (now_.wall < end) {
            for (const std::string& one : told({down(), down()}))
                count += one.find("아직 조회되지 않습니다") != std::string::npos ? 1 : 0;
        }
        return count;
    }
};

TEST_F(RemindTest, ASourceThatGoesOnFailingIsRemindedOfByChoice) {
    configure("", "별의아이",
              "[source_health]\nchannels = [\"x\"]\nfail_after = 2\nremind = \"6h\"\n");
    told({good(""), good("")});
    EXPECT_THAT(told({down(), down()}), IsEmpty());
    EXPECT_THAT(told({down(), down()}), ElementsAre(HasSubstr("조회 연속 실패 2회")));
    EXPECT_EQ(reminders_in(5h), 0U);
    restart();
    EXPECT_EQ(reminders_in(20h), 4U);
    EXPECT_THAT(told({good(""), good("")}), ElementsAre(HasSubstr("다시 조회됩니다")));
    EXPECT_EQ(reminders_in(1h), 0U);
}

TEST_F(RemindTest, WithoutItNobodyIs) {
    configure("", "별의아이", "[source_health]\nchannels = [\"x\"]\nfail_after = 2\n");
    told({good(""), good("")});
    EXPECT_EQ(reminders_in(48h), 0U);
}

class PauseTest : public AlertTest {
  protected:
    Outcome crank() { return poller_->tick(now_, stop_.get_token()); }
    void pause(std::set<std::string> watches) {
        paused_ = std::move(watches);
        poller_->heed_pauses(now_.boot);
    }
    const std::string one_ = row("1", "20251203", 5);
    const std::string three_ = one_ + "," + row("2", "20251203", 5, "별의 아이", "21:00") + "," +
                               row("3", "20251203", 5, "별의 아이", "23:00");
};

TEST_F(PauseTest, APausedWatchIsNotPolledAndItsNewsIsOneMessageAfterwards) {
    told({good(""), good("")});
    EXPECT_EQ(told({good(one_), good("")}).size(), 1U);
    pause({"w"});
    EXPECT_EQ(poller_->due(), BootTime::max());
    EXPECT_THAT(seen()->next, IsEmpty());
    EXPECT_THAT(seen()->paused, ElementsAre("w"));
    EXPECT_FALSE(seen()->overdue.has_value());
    const int asked = requests_;
    pass(3h);
    EXPECT_EQ(crank(), Outcome::idle);
    EXPECT_FALSE(poller_->hurry("w", now_.boot));
    restart();
    EXPECT_EQ(crank(), Outcome::idle);
    EXPECT_EQ(requests_, asked);

    pause({});
    EXPECT_EQ(poller_->due(), now_.boot);
    EXPECT_EQ(told({good(three_), good("")}).size(), 1U);
    EXPECT_THAT(printed_, AllOf(HasSubstr("new=2"), Not(HasSubstr("missed"))));
    EXPECT_THAT(told({good(three_), good("")}), IsEmpty());
}

// Between two polls a pause and its end change nothing.
TEST_F(PauseTest, AShortPauseMovesNoPoll) {
    told({good(one_), good("")});
    const auto due = poller_->due();
    pause({"w"});
    pass(1s);
    pause({});
    EXPECT_EQ(poller_->due(), due);
}

// A tick of three dates at a host that lets two requests through: it rests, and the pause ends it.
TEST_F(PauseTest, APauseInTheMiddleOfATickLosesThatPollAndNoNews) {
    config_.watches[0].dates.list.push_back(plus_days(config_.watches[0].dates.list[1], 1));
    restart();
    told({good(""), good(""), good("")});
    pass(60s);
    replies_ = {good(one_)};
    const int asked = requests_;
    EXPECT_EQ(crank(), Outcome::waiting);
    EXPECT_EQ(requests_, asked + 2);
    EXPECT_TRUE(poller_->midway());
    pause({"w"});
    EXPECT_FALSE(poller_->midway());
    EXPECT_EQ(poller_->due(), BootTime::max());
    pass(60s);
    EXPECT_EQ(crank(), Outcome::idle);
    EXPECT_EQ(requests_, asked + 2);
    pause({});
    EXPECT_EQ(told({good(one_), good(""), good("")}).size(), 1U);
    EXPECT_EQ(requests_, asked + 5) << "a tick of its own, from its first date on";
}

TEST_F(PauseTest, APollThatIsWantedNowWaitsForTheBudgetOfItsHost) {
    configure("", "별의아이", "[host.\"www.megabox.co.kr\"]\nrate = \"1/min\"\nburst = 2\n");
    told({good(""), good("")});
    const BootTime free = seen()->free.at("w");
    pass(11s);
    ASSERT_GT(free, now_.boot + 30s);
    const int asked = requests_;
    EXPECT_TRUE(poller_->hurry("w", now_.boot));
    EXPECT_EQ(crank(), Outcome::idle);
    EXPECT_EQ(requests_, asked);
    EXPECT_EQ(poller_->due(), free);
    // The control: once it may be asked it is.
    EXPECT_EQ(tick({good(""), good("")}), Outcome::done);
    EXPECT_GT(requests_, asked);
}

}  // namespace
}  // namespace oneloop::worker::test_poller
