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

TEST_F(DelivererTest, InQuietHoursNothingIsTriedAndAfterwardsEverythingIs) {
    put({{"1", "me"}, {"2", "hook"}});
    Deliverer::Parts parts = usual();
    const WallTime end = now_ + 3h;
    parts.quiet = [&](const Channel& channel, WallTime now) -> std::optional<WallTime> {
        if (channel.id != "me" || now >= end) return std::nullopt;
        return end;
    };
    parts.send = sender();
    Deliverer deliverer(channels_, OutboxStore(path_), std::move(parts));
    drain(deliverer);
    EXPECT_THAT(tried_, ElementsAre("hook:2"));
    now_ = end;
    drain(deliverer);
    EXPECT_THAT(tried_, ElementsAre("hook:2", "me:1"));
}

TEST_F(DelivererTest, EachTakesItsShareAndOneTheRest) {
    put({{"1", "me"}, {"2", "hook"}, {"3", "gone"}});
    Deliverer::Parts parts = usual();
    parts.send = sender();
    Deliverer one({channels_[0]}, OutboxStore(path_), parts, {{"hook"}, true});
    Deliverer other({channels_[1]}, OutboxStore(path_), parts, {{"hook"}, false});
    drain(one);
    EXPECT_THAT(tried_, ElementsAre("me:1"));
    drain(other);
    EXPECT_THAT(tried_, ElementsAre("me:1", "hook:2"));
    now_ += 25h;
    drain(other);
    EXPECT_EQ(phase("3"), Phase::queued);
    drain(one);
    EXPECT_EQ(phase("3"), Phase::dead);
}

// What a crash left armed is settled by whoever has the channel, and by nobody else: it may be in
// the middle of a try of his.
TEST_F(DelivererTest, WhatAnotherHasArmedIsHis) {
    put({{"1", "hook"}});
    OutboxStore store(path_);
    const auto message = *store.find("1");
    ASSERT_TRUE(store.save(message.id, message.life, arm(message.life), now_));
    const Deliverer one({channels_[0]}, OutboxStore(path_), usual(), {{"hook"}, true});
    EXPECT_EQ(phase("1"), Phase::armed);
    const Deliverer other({channels_[1]}, OutboxStore(path_), usual(), {{"hook"}, false});
    EXPECT_EQ(phase("1"), Phase::uncertain);
}

class VerifyTest : public DelivererTest {
  protected:
    VerifyTest() { channels_[0].rule.on_uncertain = OnUncertain::verify; }
    std::unique_ptr<Deliverer> make_looking() {
        Deliverer::Parts parts = usual();
        parts.send = sender();
        parts.look = [this](const Channel&, const Parcel& parcel, const std::stop_token&) {
            ++looks_;
            looked_for_ = message_id_of(parcel.payload);
            return look_;
        };
        return std::make_unique<Deliverer>(channels_, OutboxStore(path_), std::move(parts));
    }

    Look look_ = Missing{};
    int looks_ = 0;
    std::string looked_for_;
};

TEST_F(VerifyTest, WhatIsFoundIsSentAndNotSentAgain) {
    put({{"1", "me"}});
    const auto deliverer = make_looking();
    outcomes_ = {NoAnswer{"closed"}};
    drain(*deliverer);
    EXPECT_EQ(looks_, 0) << "the mailbox gets a minute to show it";
    now_ += 1min;
    look_ = Found{"Sent"};
    drain(*deliverer);
    EXPECT_EQ(looked_for_, "<oneloop.1@x>");
    EXPECT_EQ(phase("1"), Phase::sent);
    EXPECT_THAT(tried_, ElementsAre("me:1"));
}

TEST_F(VerifyTest, WhatIsMissingIsSentAgainOnceAndThenAsked) {
    put({{"1", "me"}});
    const auto deliverer = make_looking();
    outcomes_ = {NoAnswer{"closed"}, NoAnswer{"closed"}};
    for (int i = 0; i < 10; ++i) {
        drain(*deliverer);
        now_ += 1min;
    }
    EXPECT_EQ(tried_.size(), 2U);
    EXPECT_EQ(looks_, 2);
    EXPECT_EQ(phase("1"), Phase::uncertain);
}

TEST_F(VerifyTest, AMailboxThatIsDownIsAskedAgainAndNothingIsSentMeanwhile) {
    put({{"1", "me"}});
    const auto deliverer = make_looking();
    outcomes_ = {NoAnswer{"closed"}};
    look_ = CouldNotLook{"refused"};
    for (int i = 0; i < 60; ++i) {
        drain(*deliverer);
        now_ += 1min;
    }
    EXPECT_EQ(tried_.size(), 1U);
    EXPECT_GT(looks_, 3);
    look_ = Found{"Sent"};
    now_ += 15min;
    drain(*deliverer);
    EXPECT_EQ(phase("1"), Phase::sent);
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
