// What is news of a showtime for this watch: when there are seats enough, when a reply is a new
// one, and what was there before.
#include "tests/support/alert_fixture.h"

namespace oneloop::worker::test_poller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SeatsTest : public AlertTest {
  protected:
    SeatsTest() { configure_two(""); }
    // Two seats, or it is of no use.
    void configure_two(const std::string& of_watch) {
        configure(of_watch);
        Condition two;
        two.kind = Condition::Kind::at_least;
        two.field = "seats";
        two.least = 2;
        config_.watches[0].where.push_back(two);
        restart();
        told({good(""), good("")});
    }
    std::vector<std::string> seats(int number) {
        return told({good(row("1", "20251203", number)), good("")});
    }
};

TEST_F(SeatsTest, TheSecondSeatIsNewsAlsoWhenTheFirstCameAlone) {
    EXPECT_THAT(seats(0), IsEmpty());
    EXPECT_THAT(seats(1), IsEmpty());
    EXPECT_FALSE(seen()->open);
    restart();
    EXPECT_THAT(seats(2), ElementsAre(HasSubstr("예매")));
    EXPECT_TRUE(seen()->open);
    for (const int more : {3, 50, 2})
        EXPECT_THAT(seats(more), IsEmpty()) << more;
    EXPECT_THAT(seats(1), IsEmpty());
    EXPECT_THAT(seats(10), ElementsAre(HasSubstr("예매"))) << "again, after it was too few";
}

TEST_F(SeatsTest, AnOpeningWithOneSeatIsToldWithTheSecond) {
    EXPECT_THAT(seats(1), IsEmpty());
    EXPECT_THAT(seats(2), ElementsAre(HasSubstr("예매")));
    EXPECT_THAT(seats(2), IsEmpty());
}

TEST_F(SeatsTest, BothAtOnceAreOneMessage) {
    EXPECT_THAT(seats(0), IsEmpty());
    EXPECT_THAT(seats(9), ElementsAre(HasSubstr("예매")));
    EXPECT_THAT(seats(9), IsEmpty());
}

TEST_F(SeatsTest, ConfirmHoldsItBackAndNothingIsShownMeanwhile) {
    configure_two("confirm = 2\n");
    seats(1);
    EXPECT_THAT(seats(1), IsEmpty());
    EXPECT_THAT(seats(5), IsEmpty());
    EXPECT_FALSE(seen()->open);
    restart();
    EXPECT_FALSE(seen()->open);
    EXPECT_THAT(seats(5), ElementsAre(HasSubstr("예매")));
    EXPECT_TRUE(seen()->open);
    EXPECT_THAT(seats(1), IsEmpty());
    EXPECT_THAT(seats(5), IsEmpty());
    EXPECT_THAT(seats(1), IsEmpty()) << "it flickered";
    EXPECT_THAT(seats(5), IsEmpty());
}

TEST_F(SeatsTest, SoldOutIsToldOfWhatWasWanted) {
    configure_two("events = [\"sold_out\"]\n");
    seats(5);
    EXPECT_THAT(seats(0), ElementsAre(HasSubstr("매진")));
    seats(1);
    EXPECT_THAT(seats(0), IsEmpty()) << "one seat was of no use";
}

// "Until then it is not shown as open": neither is what was sold out.
TEST_F(AlertTest, WhatCanBeBookedAgainIsNotShownAsOpenBeforeItIsConfirmed) {
    configure("confirm = 2\n");
    told({good(row("1", "20251203", 0)), good("")});
    EXPECT_THAT(told({good(row("1", "20251203", 5)), good("")}), IsEmpty());
    EXPECT_FALSE(seen()->open);
    EXPECT_THAT(told({good(row("1", "20251203", 5)), good("")}), ElementsAre(HasSubstr("예매")));
    EXPECT_TRUE(seen()->open);
}

// A tick is a question: what this watch has read already is no answer to it.
TEST_F(AlertTest, APollThatSomebodyWantsAsksTheCinemaAlsoAMomentAfterTheLast) {
    configure("every = \"5min\"\n");
    Watch other = config_.watches[0];
    other.id = "v";  // replies are kept for each other
    config_.watches.push_back(other);
    restart();
    tick({good(""), good("")});
    tick({});
    const int before = requests_;
    EXPECT_EQ(before, 2) << "and they are shared";
    pass(60s);
    ASSERT_TRUE(poller_->hurry("w", now_.boot));
    tick({good(row("1", "20251203", 5)), good("")});
    EXPECT_EQ(requests_, before + 2);
    EXPECT_TRUE(seen()->open);
}

TEST_F(AlertTest, AnAlignedPollAsksTheCinemaAlsoAMomentAfterTheFirst) {
    configure("every = \"60min\"\nalign = true\n");
    const auto with_tag = [](const std::string& rows) {
        HttpReply reply = good(rows);
        reply.etag = "\"1\"";
        return reply;
    };
    pass(40min);
    tick({with_tag(""), with_tag("")});
    const int before = requests_;
    EXPECT_THAT(told({with_tag(row("1", "20251203", 5)), with_tag("")}),
                ElementsAre(HasSubstr("새 회차 1개")));
    EXPECT_EQ(std::chrono::floor<std::chrono::minutes>(now_.wall - noon), 60min);
    EXPECT_EQ(requests_, before + 2);
}

// One date of a new watch times out: nothing of it is lost, and nothing of it is news to who wants
// to hear of nothing that was there before.
class FirstReadTest : public AlertTest {
  protected:
    const HttpReply one_ = good(row("1", "20251203", 5));
    const HttpReply two_ = good(row("2", "20251204", 5));
    const HttpReply more_ = good(row("1", "20251203", 5) + "," + row("4", "20251203", 5));
    const HttpReply three_ = good(row("2", "20251204", 5) + "," + row("3", "20251204", 5));
};

TEST_F(FirstReadTest, WhatCouldNotBeReadAtFirstIsToldWhenItCanBe) {
    EXPECT_THAT(told({one_, down()}), ElementsAre("[oneloop] w: 현재 회차 1개"));
    EXPECT_THAT(told({one_, two_}), ElementsAre("[oneloop] w: 새 회차 1개"));
    EXPECT_THAT(told({one_, three_}), ElementsAre("[oneloop] w: 새 회차 1개"));
}

TEST_F(FirstReadTest, ASilentWatchIsSilentAboutItToo) {
    configure("first_run = \"silent\"\n");
    EXPECT_THAT(told({one_, down()}), IsEmpty());
    EXPECT_THAT(told({more_, down()}), ElementsAre("[oneloop] w: 새 회차 1개")) << "it was read";
    EXPECT_THAT(told({more_, two_}), IsEmpty());
    EXPECT_THAT(told({more_, three_}), ElementsAre("[oneloop] w: 새 회차 1개"));
}

// Who waits as long as the host has asked for is not stuck.
TEST_F(PollerTest, AWatchThatWaitsForItsHostIsNotOverdue) {
    Watch same_host = config_.watches[0];
    same_host.id = "v";
    same_host.sources[0].form[2].second = "1351";
    config_.watches.push_back(same_host);
    restart();
    HttpReply limited = status(429);
    limited.retry_after = 600s;
    tick({limited});
    pass(poller_->due() - now_.boot);
    EXPECT_EQ(poller_->tick(now_, {}), Outcome::idle);
    EXPECT_GT(poller_->due(), now_.boot + 500s);
    ASSERT_TRUE(seen()->overdue);
    EXPECT_GT(*seen()->overdue, poller_->due());
}

// The order of a person comes while the watch waits for its host.
TEST_F(PollerTest, APollThatIsWantedDuringAnotherFollowsIt) {
    config_.watches[0].pace.every = 10min;
    config_.watches[0].pace.floor = 1s;
    config_.watches[0].host.per_second = 0.1;
    config_.watches[0].host.burst = 1;
    restart();
    auto outcome = poller_->tick(now_, stop_.get_token());
    while (outcome == Outcome::waiting && !poller_->hurry("w", now_.boot))
        outcome = poller_->tick(now_, stop_.get_token());
    ASSERT_EQ(outcome, Outcome::waiting) << "it is in the middle";
    EXPECT_EQ(tick({}), Outcome::done);
    EXPECT_LT(poller_->due(), now_.boot + 1min);
    while ((outcome = tick({})) == Outcome::idle) {
        // Its host may not be asked yet.
    }
    EXPECT_EQ(outcome, Outcome::done);
    EXPECT_GT(poller_->due(), now_.boot + 1min) << "once";
}

}  // namespace
}  // namespace oneloop::worker::test_poller
