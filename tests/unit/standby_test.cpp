// Who waits for a job is listed as long as it lives, and not a moment longer.
#include "worker/standby.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/process.h"
#include "tests/support/wait.h"
#include "tests/unit/in_child.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class StandbyTest : public testing::Test {
  protected:
    [[nodiscard]] LockRecord record(int pid, const std::string& command = "worker") const {
        LockRecord who;
        who.pid = pid;
        who.since = 100;
        who.generation = 7;
        who.instance = "i-1";
        who.command = command;
        return who;
    }
    [[nodiscard]] std::vector<int> pids() const {
        std::vector<int> pids;
        for (const LockRecord& one : standbys_of(state_))
            pids.push_back(one.pid);
        return pids;
    }

    test::TempDir dir_;
    std::string state_ = dir_.file("s.db");
};

TEST_F(StandbyTest, ListedWhileItWaits) {
    EXPECT_THAT(pids(), ElementsAre());
    std::optional<Result<Standby>> first = Standby::announce(state_, record(1));
    ASSERT_TRUE(*first) << first->error().what;
    const auto second = Standby::announce(state_, record(2, "worker --config b.toml"));
    ASSERT_TRUE(second);
    ASSERT_THAT(pids(), ElementsAre(1, 2));
    EXPECT_EQ(standbys_of(state_)[1], record(2, "worker --config b.toml"));
    first.reset();
    EXPECT_THAT(pids(), ElementsAre(2));
    // Its place is another's, with nothing left of what was there.
    const auto third = Standby::announce(state_, record(3, ""));
    EXPECT_THAT(pids(), ElementsAre(3, 2));
    EXPECT_EQ(standbys_of(state_)[0], record(3, ""));
}

TEST_F(StandbyTest, WhoIsKilledIsListedNoMore) {
    const test::Child child([this] {
        const auto waiting = Standby::announce(state_, record(::getpid()));
        ::pause();
        return std::string();
    });
    ASSERT_TRUE(test::wait_until([&] { return !pids().empty(); }, 20s));
    EXPECT_THAT(pids(), ElementsAre(child.pid()));
    ASSERT_EQ(::kill(child.pid(), SIGKILL), 0);
    EXPECT_TRUE(test::wait_until([&] { return pids().empty(); }, 20s));
    // What it wrote is still there: it is the lock that says so.
    EXPECT_THAT(test::read_file(state_ + ".waiting"), testing::HasSubstr("pid="));
}

TEST_F(StandbyTest, ALongCommandIsCutAndSpoilsNobodysPlace) {
    const auto first = Standby::announce(state_, record(1, std::string(5000, 'x')));
    const auto second = Standby::announce(state_, record(2));
    ASSERT_TRUE(first && second);
    ASSERT_THAT(pids(), ElementsAre(1, 2));
    EXPECT_EQ(standbys_of(state_)[0].command, std::string(512, 'x'));
}

TEST_F(StandbyTest, BeyondTheLastPlaceNobodyIsListed) {
    std::vector<Standby> waiting;
    for (int i = 1; i <= Standby::most; ++i) {
        auto one = Standby::announce(state_, record(i));
        ASSERT_TRUE(one);
        waiting.push_back(std::move(*one));
    }
    EXPECT_FALSE(Standby::announce(state_, record(1000)));
    EXPECT_EQ(pids().size(), static_cast<std::size_t>(Standby::most));
}

TEST_F(StandbyTest, ALinkIsNotFollowedAndTheFileIsPrivate) {
    std::filesystem::create_symlink(dir_.file("elsewhere"), state_ + ".waiting");
    EXPECT_FALSE(Standby::announce(state_, record(1)));
    EXPECT_FALSE(std::filesystem::exists(dir_.file("elsewhere")));
    std::filesystem::remove(state_ + ".waiting");
    ASSERT_TRUE(Standby::announce(state_, record(1)));
    EXPECT_EQ(std::filesystem::status(state_ + ".waiting").permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace
}  // namespace oneloop::worker
