// The next warden is made while the worker before is being ended. Until that is over it has no lock
// and no worker, whoever dies meanwhile, and it goes when it isn't needed.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/kin.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class Prepared : public SupervisorFixture, public testing::WithParamInterface<const char*> {
  protected:
    Prepared() { isolation = GetParam(); }

    // A worker that TERM does not end, told to stop for a change. The two wardens: the one that
    // still has it, and the prepared one.
    [[nodiscard]] Process stopping(const std::string& timeout = "30s") {
        auto supervisor =
            supervise({"--watch", "--stop-timeout", timeout}, probe({"--ignore-term"}));
        EXPECT_TRUE(wait_for_starts(1)) << read_file(console);
        const auto first = living(mark, is_warden);
        EXPECT_EQ(first.size(), 1U) << "none is prepared while nothing is to be done";
        write_file(source, "2");
        EXPECT_TRUE(wait_until([&] { return living(mark, is_warden).size() == 2; }, seconds(10)))
            << read_file(console);
        for (const auto& warden : living(mark, is_warden)) {
            (!first.empty() && warden.pid == first[0].pid ? old : next) = warden.pid;
        }
        return supervisor;
    }

    // The supervisor learns of both deaths at the same time.
    void kill_both_wardens(Process& supervisor) const {
        supervisor.signal(SIGSTOP);
        ASSERT_TRUE(wait_until([&] { return state_of(supervisor.pid()) == 'T'; }, seconds(5)));
        for (const pid_t warden : {old, next})
            ::kill(warden, SIGKILL);
        EXPECT_TRUE(
            wait_until([&] { return state_of(old) == 'Z' && state_of(next) == 'Z'; }, seconds(5)));
        supervisor.signal(SIGCONT);
    }

    // By hand, as TERM doesn't.
    // One worker, the second, and nobody else.
    void expect_the_second(const Census& census) const {
        EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
        EXPECT_EQ(living(mark, is_worker).size(), 1U);
        // Its first look may be yet to come.
        EXPECT_TRUE(wait_until([&] { return census.most() > 0; }, seconds(5)));
        EXPECT_EQ(census.most(), 1U);
        EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
    }

    void finish(Process& supervisor) const {
        supervisor.signal(SIGTERM);
        end_the_worker();
        EXPECT_EQ(supervisor.wait(seconds(15)), (ExitStatus{0, SIGTERM})) << read_file(console);
    }

    pid_t old = 0;
    pid_t next = 0;
};

INSTANTIATE_TEST_SUITE_P(Isolation, Prepared, testing::Values("subreaper", "cgroup", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(Prepared, WaitsForTheEndOfTheOneBeforeAndIsUsed) {
    auto supervisor = stopping();
    const Census census(mark, is_worker);
    EXPECT_FALSE(wait_for_starts(2, milliseconds(500))) << "the one before still lives";
    EXPECT_TRUE(children_of(next).empty());
    end_the_worker();
    expect_the_second(census);
    const auto wardens = living(mark, is_warden);
    ASSERT_EQ(wardens.size(), 1U);
    EXPECT_EQ(wardens[0].pid, next);
    finish(supervisor);
}

TEST_P(Prepared, KilledItIsMadeAgainWhenItIsNeeded) {
    auto supervisor = stopping();
    const Census census(mark, is_worker);
    ::kill(next, SIGKILL);
    ASSERT_TRUE(wait_until([&] { return living(mark, is_warden).size() == 1; }, seconds(5)));
    end_the_worker();
    expect_the_second(census);
    EXPECT_EQ(zombies_of(supervisor.pid()), 0U);
    EXPECT_EQ(said("ended too early"), 0) << read_file(console);
    finish(supervisor);
}

TEST_P(Prepared, StoppedItGoesOnWhenItIsNeeded) {
    auto supervisor = stopping();
    const Census census(mark, is_worker);
    ::kill(next, SIGSTOP);
    ASSERT_TRUE(wait_until([&] { return state_of(next) == 'T'; }, seconds(5)));
    end_the_worker();
    expect_the_second(census);
    finish(supervisor);
}

// What the killed warden of the worker before leaves to the supervisor is ended; the one that is
// prepared is a child of the supervisor too and is none of that.
TEST_P(Prepared, TheDeathOfTheOneBeforeLeavesIt) {
    auto supervisor = stopping();
    const Census census(mark, is_worker);
    ::kill(old, SIGKILL);
    expect_the_second(census);
    const auto wardens = living(mark, is_warden);
    ASSERT_EQ(wardens.size(), 1U);
    EXPECT_EQ(wardens[0].pid, next);
    finish(supervisor);
}

// Dead and not waited for, it hides nobody: what the other one left is found and ended behind it.
TEST_P(Prepared, KilledTogetherWithTheOneBeforeTheNextGenerationStarts) {
    auto supervisor = stopping();
    const Census census(mark, is_worker);
    kill_both_wardens(supervisor);
    expect_the_second(census);
    EXPECT_EQ(zombies_of(supervisor.pid()), 0U);
    finish(supervisor);
}

TEST_P(Prepared, KilledBeforeTheOneBeforeIsTheNextGenerationStarts) {
    auto supervisor = stopping();
    const Census census(mark, is_worker);
    ::kill(next, SIGKILL);
    ASSERT_TRUE(wait_until([&] { return zombies_of(supervisor.pid()) == 1; }, seconds(5)));
    ::kill(old, SIGKILL);
    expect_the_second(census);
    EXPECT_EQ(zombies_of(supervisor.pid()), 0U);
    finish(supervisor);
}

TEST_P(Prepared, KilledTogetherWithTheOneBeforeAStopEnds) {
    auto supervisor = stopping();
    kill_both_wardens(supervisor);
    // The next worker may have been quicker than the signal.
    stop_with_deaf_workers(supervisor);
    EXPECT_TRUE(living(mark).empty());
}

TEST_P(Prepared, GoesWithAStop) {
    auto supervisor = stopping("2s");
    supervisor.signal(SIGTERM);
    EXPECT_EQ(supervisor.wait(seconds(15)), (ExitStatus{0, SIGTERM})) << read_file(console);
    EXPECT_TRUE(living(mark).empty());
    EXPECT_EQ(logged("START"), 1);
}

TEST_P(Prepared, GoesWithAKilledSupervisor) {
    auto supervisor = stopping();
    supervisor.signal(SIGKILL);
    EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, seconds(5)));
    EXPECT_EQ(logged("START"), 1);
}

}  // namespace
}  // namespace oneloop::test
