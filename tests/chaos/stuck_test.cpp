// A worker in D state, which no signal ends. It is said, and no second worker is started while it
// lasts, whatever is asked for and whoever is killed; as soon as it is over, the next one starts.
#include <gtest/gtest.h>

#include "tests/support/control_client.h"
#include "tests/support/frozen_disk.h"
#include "tests/support/kin.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class Stuck : public SupervisorFixture, public testing::WithParamInterface<const char*> {
  protected:
    Stuck() { isolation = GetParam(); }
    void SetUp() override {
        SupervisorFixture::SetUp();
        if (!disk.problem().empty()) GTEST_SKIP() << disk.problem();
    }
    void TearDown() override {
        if (disk.problem().empty()) disk.thaw();
    }

    [[nodiscard]] std::vector<std::string> writer() const {
        return probe({"--write", disk.file("data")});
    }

    // From here on the only worker is in D state.
    void freeze_worker() const {
        ASSERT_TRUE(disk.freeze());
        const auto workers = living(mark, is_worker);
        ASSERT_EQ(workers.size(), 1U);
        ASSERT_TRUE(wait_until([&] { return state_of(workers[0].pid) == 'D'; }, seconds(10)));
    }

    [[nodiscard]] std::string status() const {
        return ControlClient(state).ask(R"({"command":"status"})");
    }
    [[nodiscard]] bool says_stuck() const {
        return status().find(R"("state":"stuck")") != std::string::npos;
    }

    FrozenDisk disk{dir.path()};
};

INSTANTIATE_TEST_SUITE_P(Isolation, Stuck, testing::Values("subreaper", "cgroup", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(Stuck, NoSecondWorkerWhileTheFirstIsInTheKernel) {
    auto supervisor = supervise({"--watch", "--stop-timeout", "200ms"}, writer());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    const Census census(mark, is_worker);
    freeze_worker();
    write_file(source, "2");
    EXPECT_TRUE(wait_until([&] { return said("stuck in the kernel?") == 1; }, seconds(20)))
        << read_file(console);
    EXPECT_TRUE(wait_until([&] { return says_stuck(); }, seconds(5))) << status();
    // Whatever is asked for now.
    write_file(source, "3");
    supervisor.signal(SIGUSR1);
    EXPECT_FALSE(wait_for_starts(2, seconds(2))) << read_file(console);
    EXPECT_TRUE(says_stuck()) << status();
    EXPECT_EQ(living(mark, is_worker).size(), 1U);

    disk.thaw();
    EXPECT_TRUE(wait_for_starts(2, seconds(5))) << read_file(console);
    EXPECT_EQ(said("stuck in the kernel?"), 1) << read_file(console);
    stop(supervisor);
    EXPECT_EQ(logged("START"), 2) << "one restart for all that was asked for";
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_P(Stuck, AStopWaitsAndEndsWithTheWorker) {
    auto supervisor = supervise({"--watch", "--stop-timeout", "200ms"}, writer());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    freeze_worker();
    supervisor.signal(SIGTERM);
    EXPECT_TRUE(wait_until([&] { return said("stuck in the kernel?") == 1; }, seconds(20)))
        << read_file(console);
    EXPECT_FALSE(supervisor.wait(milliseconds(500))) << "it must not leave the worker alone";
    disk.thaw();
    EXPECT_EQ(supervisor.wait(seconds(10)), (ExitStatus{0, SIGTERM}));
    EXPECT_TRUE(living(mark).empty());
}

// The lock is in the hands of the one that is stuck, so the next supervisor has to wait as well.
TEST_P(Stuck, TheNextSupervisorWaitsToo) {
    auto first = supervise({"--watch", "--stop-timeout", "200ms"}, writer());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    const Census census(mark, is_worker);
    freeze_worker();
    first.signal(SIGKILL);
    ASSERT_TRUE(first.wait(seconds(10)));
    auto next = supervise({"--watch"}, probe());
    // Everything that could be ended was, and the lock is still held.
    EXPECT_TRUE(wait_until([&] { return said("no second worker is started") >= 1; }, seconds(60)))
        << read_file(console);
    EXPECT_GE(said("SIGKILL was sent, but the kernel has not let go of it"), 1)
        << read_file(console);
    EXPECT_EQ(living(mark, is_worker).size(), 1U);
    EXPECT_EQ(logged("START"), 1);

    disk.thaw();
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(next);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

}  // namespace
}  // namespace oneloop::test
