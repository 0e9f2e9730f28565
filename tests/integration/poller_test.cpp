// One tick at a time: what is printed, stored and published, and the defects of the original.
#include "tests/support/poller_fixture.h"

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

}  // namespace
}  // namespace oneloop::worker::test_poller
