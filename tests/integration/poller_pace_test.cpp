// What a watch says about its own polls: `confirm`, `align`, `active_until`, and the retries of its
// host, with a real store and across restarts.
#include "tests/support/alert_fixture.h"

namespace oneloop::worker::test_poller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ConfirmTest : public AlertTest {
  protected:
    const HttpReply closed_ = good("");
    const HttpReply open_ = good(row("1", "20251203", 5));
};

TEST_F(ConfirmTest, AnOpeningIsToldOnceWhenItWasSeenOftenEnoughAcrossRestarts) {
    configure("confirm = 3\n");
    EXPECT_THAT(told({closed_, closed_}), IsEmpty());
    EXPECT_THAT(told({open_, closed_}), IsEmpty());
    EXPECT_FALSE(seen()->open);
    EXPECT_THAT(seen()->rows, IsEmpty());
    restart();
    EXPECT_THAT(told({open_, closed_}), IsEmpty());
    // Neither a poll that failed nor another start interrupts the row or counts in it.
    EXPECT_THAT(told({down(), closed_}), IsEmpty());
    restart();
    EXPECT_THAT(told({open_, closed_}), ElementsAre("[oneloop] w: 새 회차 1개"));
    EXPECT_TRUE(seen()->open);
    restart();
    for (int i = 0; i < 4; ++i)
        EXPECT_THAT(told({open_, closed_}), IsEmpty());
}

TEST_F(ConfirmTest, WhatFlickersIsNeverToldAndTheControlTellsIt) {
    for (const auto& [keys, messages] :
         {std::pair{"confirm = 2\n", 0U}, std::pair{"confirm = 1\n", 1U}}) {
        configure(std::string(keys) + "first_run = \"silent\"\nevents = [\"opened\", \"gone\"]\n");
        told({closed_, closed_});
        EXPECT_EQ(told({open_, closed_}).size(), messages) << keys;
        EXPECT_EQ(told({closed_, closed_}).size(), messages) << keys;
    }
}

// A tick that is lost with the process was none.
TEST_F(ConfirmTest, ACrashCountsNoPollTwice) {
    configure("confirm = 2\n");
    told({closed_, closed_});
    told({open_, closed_});
    during_fetch_ = [] { throw std::runtime_error("crash"); };
    EXPECT_THROW(tick({}), std::runtime_error);
    during_fetch_ = nullptr;
    restart();
    EXPECT_THAT(told({closed_, closed_}), IsEmpty());
    EXPECT_THAT(told({open_, closed_}), IsEmpty()) << "the row was interrupted";
    EXPECT_THAT(told({open_, closed_}), ElementsAre(HasSubstr("새 회차 1개")));
}

// Everything that is there is one digest, now; it is told no second time when it is confirmed.
TEST_F(ConfirmTest, ADigestIsAtOnceAndIncludesWhatWaits) {
    configure("confirm = 3\n");
    EXPECT_THAT(told({open_, closed_}), ElementsAre("[oneloop] w: 현재 회차 1개"));
    const auto both = good(row("1", "20251203", 5) + "," + row("2", "20251203", 5));
    EXPECT_THAT(told({both, closed_}), IsEmpty());
    configure("confirm = 3\n", "별");
    EXPECT_THAT(told({both, closed_}), ElementsAre("[oneloop] w: 현재 회차 2개"));
    for (int i = 0; i < 4; ++i)
        EXPECT_THAT(told({both, closed_}), IsEmpty());
}

TEST_F(ConfirmTest, AskedForLessWhatWaitsIsToldByTheNextPoll) {
    configure("confirm = 5\n");
    told({closed_, closed_});
    EXPECT_THAT(told({open_, closed_}), IsEmpty());
    configure("");
    EXPECT_THAT(told({open_, closed_}), ElementsAre(HasSubstr("새 회차 1개")));
}

class AlignTest : public AlertTest {
  protected:
    // Seconds since noon at which each of so many polls was made.
    std::vector<long> polls(int count) {
        std::vector<long> at;
        for (int i = 0; i < count; ++i) {
            EXPECT_EQ(tick({good(""), good("")}), Outcome::done);
            // It takes a tenth of a second in this world.
            at.push_back(std::chrono::floor<std::chrono::seconds>(now_.wall - noon).count());
        }
        return at;
    }
};

TEST_F(AlignTest, PollsFollowTheWallClockAlsoAfterItWasSet) {
    roll_ = 1;
    configure("every = \"60s\"\nalign = true\n");
    pass(17s);
    EXPECT_THAT(polls(3), ElementsAre(17, 60, 120));
    restart();
    EXPECT_THAT(polls(1), ElementsAre(180));
    now_.wall += 20s;
    EXPECT_THAT(polls(2), ElementsAre(260, 300));
    // The control: without it they stay where they began, and chance moves them.
    configure("every = \"60s\"\n");
    EXPECT_THAT(polls(2), ElementsAre(360, 426));
}

// Who asks the same is polled along with another, unless it has a time of its own.
TEST_F(AlignTest, AnotherWatchDoesNotMoveIt) {
    configure("every = \"60s\"\nalign = true\n");
    config_.watches.push_back(config_.watches[0]);
    config_.watches[1].id = "other";
    config_.watches[1].pace.align = false;
    restart();
    pass(17s);
    for (int i = 0; i < 8; ++i)
        EXPECT_EQ(tick({good(""), good("")}), Outcome::done);
    const auto shown = now_.wall - noon;
    EXPECT_EQ(std::chrono::floor<std::chrono::seconds>(shown).count() % 60, 0) << shown.count();
}

class UntilTest : public AlertTest {
  protected:
    UntilTest() {
        configure("every = \"1h\"\nactive_until = \"2025-12-02\"\n");
        polled_ = poll_until_idle();
    }
    // Cranks until nothing is due for ever, or for as long as two days.
    int poll_until_idle() {
        int polls = 0;
        for (const Moment begin = now_; now_.boot - begin.boot < 48h;) {
            const BootTime due = poller_->due();
            if (due == BootTime::max()) break;
            pass(std::max(due - now_.boot, BootTime::duration{0}));
            if (poller_->tick(now_, stop_.get_token()) == Outcome::done) ++polls;
        }
        return polls;
    }
    int polled_ = 0;
};

TEST_F(UntilTest, TheLastPollIsOnItsLastDay) {
    EXPECT_EQ(polled_, 12);  // from noon on
    EXPECT_EQ(now_.wall - noon, 12h) << "it ends at midnight in its zone, and that is noticed then";
    EXPECT_THAT(seen()->ended, ElementsAre("w"));
    EXPECT_THAT(seen()->next, IsEmpty());
    EXPECT_FALSE(seen()->overdue.has_value());
    EXPECT_FALSE(poller_->hurry("w", now_.boot));
    const int asked = requests_;
    restart();
    EXPECT_EQ(poll_until_idle(), 0);
    EXPECT_EQ(requests_, asked);
    EXPECT_THAT(seen()->ended, ElementsAre("w"));
    // With a later date it goes on with what it knew.
    configure("every = \"1h\"\nactive_until = \"2025-12-03\"\n");
    EXPECT_EQ(poll_until_idle(), 24);
}

TEST_F(UntilTest, OthersGoOnAndAClockThatIsSetBackBringsItBack) {
    config_.watches.push_back(config_.watches[0]);
    config_.watches[1].id = "other";
    config_.watches[1].until.reset();
    config_.watches[1].sources[0].form.emplace_back("x", "y");  // not the same questions
    restart();
    EXPECT_EQ(poll_until_idle(), 49);  // the control: the one without an end
    EXPECT_THAT(seen()->ended, ElementsAre("w"));
    config_.watches.pop_back();
    restart();
    EXPECT_EQ(poller_->due(), BootTime::max());
    now_.wall = noon + 11h;
    EXPECT_LE(poller_->due(), now_.boot);
    EXPECT_GE(poll_until_idle(), 1);
}

class RetryTest : public AlertTest {
  protected:
    static HttpReply broken() {
        HttpReply reply = down();
        reply.again = true;
        return reply;
    }
    void retries(int number) {
        configure("", "별의아이",
                  "[host.\"www.megabox.co.kr\"]\nrate = \"10/s\"\nretries = " +
                      std::to_string(number) + "\n");
        told({good(""), good("")});
        requests_ = 0;
    }
    const HttpReply open_ = good(row("1", "20251203", 5));
};

TEST_F(RetryTest, ARequestWithoutAReplyIsSentOnceMoreInTheSamePoll) {
    retries(1);
    const auto due = poller_->due();
    EXPECT_THAT(told({broken(), open_, good("")}), ElementsAre(HasSubstr("새 회차 1개")));
    EXPECT_EQ(requests_, 3);
    EXPECT_EQ(sent_[sent_.size() - 2].form, sent_[sent_.size() - 3].form);
    EXPECT_GE(now_.boot, due + 1s);
    EXPECT_LT(now_.boot, due + 2s);
    EXPECT_THAT(printed_, Not(HasSubstr("down")));
    // Twice in vain is a failure of that date, and no more requests.
    requests_ = 0;
    EXPECT_THAT(told({broken(), broken(), good("")}), IsEmpty());
    EXPECT_EQ(requests_, 3);
    EXPECT_THAT(printed_, HasSubstr("down"));
}

TEST_F(RetryTest, ControlWithoutRetriesItIsAFailure) {
    retries(0);
    EXPECT_THAT(told({broken(), good("")}), IsEmpty());
    EXPECT_EQ(requests_, 2);
    EXPECT_THAT(printed_, HasSubstr("down"));
}

// A refusal is an answer, and so is what will not change.
TEST_F(RetryTest, AnAnswerIsNoReasonToAskAgain) {
    retries(5);
    EXPECT_THAT(told({status(500), down()}), IsEmpty());
    EXPECT_EQ(requests_, 2);
}

// Of two branches the first is asked once more: the lists of dates keep to their branches.
TEST_F(RetryTest, WhatWasAskedAgainIsStillTheGateOfItsOwnBranch) {
    const auto with_list = [](const char* branch, bool open) {
        HttpReply reply;
        reply.code = 200;
        std::string rows = row("1" + std::string(branch), "20251203", 5);
        rows.replace(rows.find("7011"), 4, branch);
        reply.body = R"({"statCd":0,"megaMap":{"movieFormList":[)" + rows +
                     R"(],"movieFormDeList":[{"playDe":"20251203","formAt":"Y"},)" +
                     R"({"playDe":"20251204","formAt":")" + (open ? "Y" : "N") + R"("}]}})";
        return reply;
    };
    retries(1);
    config_.watches[0].sources.push_back(config_.watches[0].sources[0]);
    config_.watches[0].sources[0].name = "7011";
    auto& second = config_.watches[0].sources[1];
    second.name = "1351";
    for (auto* pairs : {&second.form, &second.same}) {
        for (auto& [key, value] : *pairs) {
            if (value == "7011") value = "1351";
        }
    }
    restart();
    tick({broken(), with_list("1351", false), with_list("7011", true), good("")});
    ASSERT_EQ(requests_, 4);
    EXPECT_THAT(sent_.back().form, testing::Contains(std::pair{"brchNo1", "7011"}));
}

}  // namespace
}  // namespace oneloop::worker::test_poller
