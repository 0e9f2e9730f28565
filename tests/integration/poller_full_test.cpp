// A state file that can't take any more: polls go on, alerts wait.
#include "tests/support/alert_fixture.h"

namespace oneloop::worker::test_poller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FullTest : public AlertTest {
  protected:
    // From here on the file can't grow.
    void fill() {
        most_bytes_ = Store(dir_.file("s.db")).bytes();
        restart();
    }
    static std::string many() {
        std::string rows;
        for (int i = 0; i < 300; ++i)
            rows += (i ? "," : "") + row(std::to_string(i), "20251203", 5);
        return rows;
    }
    std::size_t written() { return OutboxStore(dir_.file("s.db")).open_messages().size(); }
};

TEST_F(FullTest, PollsGoOnAndAlertsWait) {
    told({good(""), good("")});
    fill();
    for (std::uint64_t i = 1; i <= 3; ++i) {
        EXPECT_EQ(tick({good(many()), good("")}), Outcome::unsaved);
        EXPECT_EQ(seen()->store.unsaved_ticks, i);
    }
    EXPECT_TRUE(seen()->open) << "what was seen is shown";
    EXPECT_EQ(seen()->rows.size(), 300U);
    EXPECT_THAT(seen()->store.trouble, HasSubstr("full"));
    EXPECT_THAT(printed_, IsEmpty()) << "nothing is printed that was not stored";
    EXPECT_EQ(written(), 0U);
    most_bytes_ = 0;
    restart();
    EXPECT_THAT(told({good(many()), good("")}), ElementsAre("[oneloop] w: 새 회차 300개"));
    EXPECT_THAT(told({good(many()), good("")}), IsEmpty());
    EXPECT_EQ(seen()->store.trouble, "");
}

// A failure is stored as well, and its back-off counts on without the disk.
TEST_F(FullTest, TheDistanceGrowsWhileNothingCanBeStored) {
    told({good(""), good("")});
    fill();
    EXPECT_EQ(tick({good(many()), status(403)}), Outcome::unsaved);
    const auto first = poller_->due() - now_.boot;
    for (int i = 0; i < 7; ++i)
        EXPECT_EQ(tick({good(many()), status(403)}), Outcome::unsaved);
    EXPECT_GT(poller_->due() - now_.boot, first);
}

TEST_F(FullTest, ControlWithRoomTheSamePollIsStored) {
    told({good(""), good("")});
    EXPECT_EQ(tick({good(many()), good("")}), Outcome::done);
    EXPECT_EQ(written(), 1U);
}

// The ledger is gone: what is there is one digest, which says so, and nothing is told twice.
TEST_F(FullTest, AFileThatIsSetAsideIsABaselineThatSaysSo) {
    told({good(row("1", "20251203", 5)), good("")});
    poller_.reset();
    test::write_file(dir_.file("s.db"), std::string(8192, '\0'));
    const auto both = good(row("1", "20251203", 5) + "," + row("2", "20251203", 5));
    { const Store begun = Store::open_or_begin(dir_.file("s.db"), 0, now_.wall); }
    configure("first_run = \"silent\"\n", "별의아이", "", "body = \"{subject} {items}\"\n");
    last_ = 0;
    const auto digest = told({both, good("")});
    ASSERT_EQ(digest.size(), 1U) << "also where a first run is silent";
    EXPECT_THAT(digest[0], HasSubstr("s.db.set-aside-"));
    EXPECT_THAT(told({both, good("")}), IsEmpty());
    restart();
    EXPECT_THAT(told({both, good("")}), IsEmpty());
    EXPECT_THAT(told({good(row("1", "20251203", 5) + "," + row("2", "20251203", 5) + "," +
                           row("3", "20251203", 5)),
                      good("")}),
                ElementsAre(HasSubstr("새 회차 1개")));
}

}  // namespace
}  // namespace oneloop::worker::test_poller
