// What the Deliverer tries, in which order, and what it leaves alone.
#include "tests/support/deliverer_fixture.h"
#include "tests/support/wait.h"

namespace oneloop::worker::test_deliverer {
namespace {

using testing::ElementsAre;

TEST_F(DelivererTest, InTheOrderInWhichTheyWereWrittenAndEachOnce) {
    put({{"1", "me"}, {"2", "hook"}, {"3", "me"}});
    const auto deliverer = make();
    drain(*deliverer);
    drain(*deliverer);
    EXPECT_THAT(tried_, ElementsAre("me:1", "hook:2", "me:3"));
    EXPECT_EQ(counts_.sent, 3U);
}

TEST_F(DelivererTest, WhereNobodyIsThereOneTryStandsForAllAndOtherChannelsGoOn) {
    put({{"1", "me"}, {"2", "me"}, {"3", "hook"}});
    const auto deliverer = make();
    outcomes_ = {NotSent{"refused", true}};
    drain(*deliverer);
    EXPECT_THAT(tried_, ElementsAre("me:1", "hook:3"));
    EXPECT_EQ(deliverer->wait(), 1s);
    now_ += 10s;
    drain(*deliverer);
    EXPECT_THAT(tried_, ElementsAre("me:1", "hook:3", "me:1", "me:2"));
    EXPECT_EQ(counts_.sent, 3U);
}

TEST_F(DelivererTest, AMessageThatIsRefusedHoldsUpNoOther) {
    put({{"1", "me"}, {"2", "me"}, {"3", "me"}});
    outcomes_ = {Refused{"450 grey", false}, Refused{"550 nobody", true}};
    drain(*make());
    EXPECT_EQ(phase("1"), Phase::failed);
    EXPECT_EQ(phase("2"), Phase::dead);
    EXPECT_EQ(phase("3"), Phase::sent);
}

TEST_F(DelivererTest, HoursWithoutAMailServerLoseNothingAndADayIsTheEnd) {
    put({{"1", "me"}});
    const auto deliverer = make();
    const WallTime start = now_;
    while (now_ - start < 23h) {
        outcomes_ = {NotSent{"refused", true}};
        drain(*deliverer);
        now_ += 5min;
    }
    EXPECT_EQ(phase("1"), Phase::failed);
    EXPECT_LT(tried_.size(), 120U);
    outcomes_.clear();
    now_ += 10min;
    drain(*deliverer);
    EXPECT_EQ(phase("1"), Phase::sent);
    put({{"2", "gone"}});
    drain(*deliverer);
    EXPECT_EQ(phase("2"), Phase::queued) << "its channel may come back";
    now_ += 25h;
    drain(*deliverer);
    EXPECT_EQ(phase("2"), Phase::dead);
}

TEST_F(DelivererTest, WhoMayNotContinueSendsNothing) {
    put({{"1", "me"}});
    const auto deliverer = make();
    allowed_ = false;
    EXPECT_EQ(deliverer->step({}), Deliverer::Step::refused);
    EXPECT_TRUE(tried_.empty());
}

TEST_F(DelivererTest, ALockThatIsLostWhileArmingLeavesItQueued) {
    put({{"1", "me"}});
    Deliverer::Parts parts = usual();
    bool armed = true;
    parts.send = [&](const Channel&, const Parcel&, const Hooks& hooks, const std::stop_token&) {
        allowed_ = false;
        armed = hooks.arm();
        hooks.settled(Stopped{});
    };
    Deliverer deliverer(channels_, OutboxStore(path_), std::move(parts));
    deliverer.step({});
    EXPECT_FALSE(armed);
    EXPECT_EQ(phase("1"), Phase::queued);
}

TEST_F(DelivererTest, APersonsSkipMeanwhileWins) {
    put({{"1", "me"}});
    outcomes_ = {NoAnswer{"closed"}};
    channels_[0].rule.on_uncertain = OnUncertain::ask;
    const auto deliverer = make();
    drain(*deliverer);
    EXPECT_EQ(counts_.uncertain, 1U);
    OutboxStore other(path_);
    const auto message = *other.find("1");
    ASSERT_TRUE(other.save(message.id, message.life, *skip(message.life), now_));
    now_ += 1h;
    drain(*deliverer);
    EXPECT_EQ(tried_.size(), 1U);
    EXPECT_EQ(counts_.skipped, 1U);
}

// The state file can't be written after the server has said 250, as on a full disk: the message
// is not tried again until it can, and then it is called sent.
TEST_F(DelivererTest, AnOutcomeThatCanNotBeWrittenIsKeptAndNotRepeated) {
    put({{"1", "me"}, {"2", "me"}});
    const auto deliverer = make();
    const test::TempDir away;
    std::unique_ptr<test::Process> holder;
    during_ = [&] {
        // Somebody holds the write lock for longer than we wait for it.
        holder = std::make_unique<test::Process>(test::Process::Setup{
            {"/usr/bin/python3", "-c",
             "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\n"
             "c.execute('BEGIN IMMEDIATE')\nopen(sys.argv[2],'w').close()\n"
             "import signal; signal.pause()",
             path_, away.file("held")},
            "",
            {},
            away.file("out")});
        EXPECT_TRUE(
            test::wait_until([&] { return ::access(away.file("held").c_str(), F_OK) == 0; }, 20s));
    };
    EXPECT_THROW(deliverer->step({}), StoreError);
    during_ = nullptr;
    EXPECT_THROW(deliverer->step({}), StoreError);
    EXPECT_THAT(tried_, ElementsAre("me:1"));
    holder.reset();
    drain(*deliverer);
    EXPECT_THAT(tried_, ElementsAre("me:1", "me:2"));
    EXPECT_EQ(counts_.sent, 2U);
    EXPECT_EQ(counts_.doubtful, 0U);
}

}  // namespace
}  // namespace oneloop::worker::test_deliverer
