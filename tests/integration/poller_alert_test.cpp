// What a tick writes into the outbox, together with what it saw.
#include "tests/support/alert_fixture.h"

namespace oneloop::worker::test_poller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(AlertTest, AHundredShowtimesOfANewWatchAreOneDigest) {
    std::string rows;
    for (int i = 0; i < 100; ++i)
        rows += (i ? "," : "") + row(std::to_string(i), "20251203", 5);
    EXPECT_THAT(told({good(rows), good("")}), ElementsAre("[oneloop] w: 현재 회차 100개"));
    EXPECT_THAT(told({good(rows), good("")}), IsEmpty());
}

TEST_F(AlertTest, NewsIsToldOnceHoweverOftenItIsSeenAndTheWorkerStarts) {
    EXPECT_THAT(told({good(""), good("")}), IsEmpty());
    const auto open = good(row("1", "20251203", 5));
    EXPECT_THAT(told({open, good("")}), ElementsAre("[oneloop] w: 새 회차 1개"));
    EXPECT_THAT(told({open, good("")}), IsEmpty());
    restart();
    EXPECT_THAT(told({open, good("")}), IsEmpty());
    const auto sold = good(row("1", "20251203", 0));
    EXPECT_THAT(told({sold, good("")}), IsEmpty());
    EXPECT_THAT(told({open, good("")}), ElementsAre("[oneloop] w: 다시 예매 가능 1개"));
}

// The program that this one replaces knew a show by its start time.
TEST_F(AlertTest, TwoShowsAtTheSameTimeAreBothTold) {
    told({good(""), good("")});
    EXPECT_THAT(told({good(row("1", "20251203", 5)), good("")}),
                ElementsAre("[oneloop] w: 새 회차 1개"));
    EXPECT_THAT(told({good(row("1", "20251203", 5) + "," + row("2", "20251203", 5)),
                      good(row("3", "20251204", 5))}),
                ElementsAre("[oneloop] w: 새 회차 2개"));
}

TEST_F(AlertTest, AFailedDateTellsNothingAndLosesNothing) {
    told({good(""), good("")});
    EXPECT_THAT(told({down(), good(row("2", "20251204", 5))}),
                ElementsAre("[oneloop] w: 새 회차 1개"));
    EXPECT_THAT(told({status(403), status(403)}), IsEmpty());
    EXPECT_THAT(told({good(row("1", "20251203", 5)), good(row("2", "20251204", 5))}),
                ElementsAre("[oneloop] w: 새 회차 1개"));
}

TEST_F(AlertTest, ACrashBeforeTheTransactionLosesNoNews) {
    told({good(""), good("")});
    during_fetch_ = [] { throw std::runtime_error("crash"); };
    EXPECT_THROW(tick({}), std::runtime_error);
    during_fetch_ = nullptr;
    restart();
    EXPECT_THAT(told({good(row("1", "20251203", 5)), good("")}),
                ElementsAre("[oneloop] w: 새 회차 1개"));
}

TEST_F(AlertTest, AnotherFilterIsADigestAndNoFlood) {
    const auto both = good(row("1", "20251203", 5) + "," + row("2", "20251203", 5, "딴 영화"));
    EXPECT_THAT(told({both, good("")}), ElementsAre("[oneloop] w: 현재 회차 1개"));
    configure("", "영화");
    EXPECT_THAT(told({both, good("")}), ElementsAre("[oneloop] w: 현재 회차 1개"));
    EXPECT_THAT(told({both, good("")}), IsEmpty());
}

TEST_F(AlertTest, ASilentFirstRunAndTheEventsThatAreAskedFor) {
    configure("first_run = \"silent\"\nevents = [\"sold_out\"]\n");
    EXPECT_THAT(told({good(row("1", "20251203", 5)), good("")}), IsEmpty());
    EXPECT_THAT(told({good(row("1", "20251203", 5) + "," + row("2", "20251203", 5)), good("")}),
                IsEmpty());
    EXPECT_THAT(told({good(row("1", "20251203", 0)), good("")}), ElementsAre(HasSubstr("매진")));
}

TEST_F(AlertTest, AFullQueueIsCountedAndTold) {
    configure("", "별의아이", "[limits]\nmax_pending = 2\n");
    std::string rows = row("1", "20251203", 5);
    const auto next = [&](const char* id) {
        rows += "," + row(id, "20251203", 5);
        return told({good(rows), good("")});
    };
    told({good(rows), good("")});
    EXPECT_EQ(next("2").size(), 1U);
    EXPECT_THAT(next("3"), IsEmpty());
    EXPECT_THAT(next("4"), IsEmpty());
    OutboxStore outbox(dir_.file("s.db"));
    EXPECT_EQ(outbox.counts().overflow, 2U);
    for (const StoredMessage& message : outbox.open_messages())
        ASSERT_TRUE(outbox.save(message.id, message.life,
                                settle(message.life, Accepted{}, {}, noon), noon));
    EXPECT_THAT(told({good(rows), good("")}), ElementsAre(HasSubstr("보내지 못한 알림 2건")));
    EXPECT_THAT(told({good(rows), good("")}), IsEmpty());
}

// A refusal and a changed reply are no "not open yet": they are told, once, and so is their end.
TEST_F(AlertTest, ASourceThatFailsIsToldOnceAndItsRecoveryToo) {
    configure("", "별의아이", "[source_health]\nchannels = [\"x\"]\nfail_after = 3\n");
    HttpReply html;
    html.code = 200;
    html.body = "<html>Workload is so high</html>";
    told({good(""), good("")});
    EXPECT_THAT(told({status(403), status(403)}), IsEmpty());
    EXPECT_THAT(told({down(), down()}), IsEmpty());
    EXPECT_THAT(told({html, html}), ElementsAre("[oneloop] w: 조회 연속 실패 3회"));
    EXPECT_THAT(told({html, html}), IsEmpty());
    restart();
    EXPECT_THAT(told({down(), down()}), IsEmpty());
    EXPECT_THAT(told({good(row("1", "20251203", 5)), good("")}),
                ElementsAre("[oneloop] w: 다시 조회됩니다", "[oneloop] w: 새 회차 1개"));
    EXPECT_THAT(told({good(row("1", "20251203", 5)), good("")}), IsEmpty());
}

TEST_F(AlertTest, WithoutAChannelNothingIsWritten) {
    config_.watches[0].alerts.channels.clear();
    restart();
    EXPECT_THAT(told({good(row("1", "20251203", 5)), good("")}), IsEmpty());
    EXPECT_EQ(Store(dir_.file("s.db")).load_watch("w").told, "");
}

}  // namespace
}  // namespace oneloop::worker::test_poller
