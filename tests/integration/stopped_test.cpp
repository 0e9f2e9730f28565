// Somebody sends SIGSTOP: to the warden, to the worker, to the supervisor. A stop still ends, an
// edit still leads to one new worker, and nobody takes the silence for an end.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/kin.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class Paused : public SupervisorFixture, public testing::WithParamInterface<const char*> {
  protected:
    Paused() { isolation = GetParam(); }
    void SetUp() override {
        SupervisorFixture::SetUp();
        if (isolation == "pidns" && ::geteuid() != 0) GTEST_SKIP() << "needs root";
    }

    // Sent and seen: from here on it does not run.
    static void pause(pid_t pid) {
        ::kill(pid, SIGSTOP);
        ASSERT_TRUE(wait_until([&] { return state_of(pid) == 'T'; }, seconds(5)));
    }
    [[nodiscard]] pid_t warden() const { return living(mark, is_warden).at(0).pid; }
    [[nodiscard]] pid_t worker() const { return living(mark, is_worker).at(0).pid; }
};

INSTANTIATE_TEST_SUITE_P(Isolation, Paused, testing::Values("subreaper", "cgroup", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(Paused, AStopWakesTheWardenAndEndsEverything) {
    auto supervisor = supervise({"--stop-timeout", "500ms"}, probe({"--escapee"}));
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    ASSERT_TRUE(wait_for_starts(1));
    pause(warden());
    supervisor.signal(SIGTERM);
    ASSERT_TRUE(wait_until([&] { return logged("STOP") == 1; }, seconds(10)))
        << "not asked in order\n"
        << read_file(console);
    EXPECT_TRUE(supervisor.wait(seconds(15))) << read_file(console);
    EXPECT_TRUE(living(mark).empty());
}

TEST_P(Paused, AnEditWakesTheWardenAndLeadsToOneNewWorker) {
    const Census census(mark, is_worker);
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    pause(warden());
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(logged("STOP"), 1);
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

// Stopped again and again, it is killed in the end, and what it left is ended without it.
TEST_P(Paused, AWardenThatIsKeptStoppedIsKilledAndTheTreeWithIt) {
    auto supervisor =
        supervise({"--watch", "--stop-timeout", "200ms"}, probe({"--ignore-term", "--escapee"}));
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    ASSERT_TRUE(wait_for_starts(1));
    const Census census(mark, is_worker);
    const pid_t held = warden();
    supervisor.signal(SIGTERM);
    EXPECT_TRUE(wait_until(
        [&] {
            if (state_of(held) != 0) ::kill(held, SIGSTOP);
            return supervisor.wait(milliseconds(0)).has_value();
        },
        seconds(20)))
        << read_file(console);
    EXPECT_TRUE(living(mark).empty());
    EXPECT_LE(census.most(), 1U);
}

TEST_P(Paused, AStopWakesTheWorkerAndItEndsInOrder) {
    auto supervisor = supervise({}, probe({"--stop-takes", "50"}));
    ASSERT_TRUE(wait_for_starts(1));
    pause(worker());
    stop(supervisor);
    EXPECT_EQ(logged("STOP"), 1);
    EXPECT_EQ(logged("CLEAN"), 1);
    EXPECT_EQ(said("did not stop"), 0) << read_file(console);
}

TEST_P(Paused, AnEditWakesTheWorkerAndReplacesIt) {
    const Census census(mark, is_worker);
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    pause(worker());
    // Silence is no end: there is no watchdog, and nothing else restarts it.
    EXPECT_FALSE(wait_for_starts(2, milliseconds(300)));
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(logged("STOP"), 1);
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

// As a closed lid does it to everything, and a debugger to the supervisor alone.
TEST_P(Paused, AStoppedSupervisorLeavesTheWorkerAloneAndForgetsNothing) {
    const Census census(mark, is_worker);
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    const pid_t before = worker();
    pause(supervisor.pid());
    EXPECT_FALSE(wait_until([&] { return logged("STOP") > 0; }, milliseconds(500)));
    supervisor.signal(SIGCONT);
    EXPECT_FALSE(wait_for_starts(2, milliseconds(500))) << read_file(console);
    EXPECT_EQ(worker(), before);

    pause(supervisor.pid());
    for (const char* text : {"2", "3", "4"})
        write_file(source, text);
    EXPECT_FALSE(wait_until([&] { return logged("STOP") > 0; }, milliseconds(200)));
    supervisor.signal(SIGCONT);
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_FALSE(wait_for_starts(3, milliseconds(500))) << "three edits, one restart";
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
}

}  // namespace
}  // namespace oneloop::test
