// What is in the way of a start: leftovers of a supervisor that was killed together with its
// warden, and a supervisor that still runs.
#include <gtest/gtest.h>
#include <sys/file.h>

#include <filesystem>
#include <functional>
#include <memory>

#include "common/lock_file.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class BothKilled : public SupervisorFixture {
  protected:
    // worker.lock of an instance that has run once, in somebody else's hands.
    Result<LockFile> strangers_lock() {
        auto first = supervise({}, probe());
        EXPECT_TRUE(wait_for_starts(1));
        stop(first);
        auto lock = LockFile::open(state + "/worker.lock");
        EXPECT_TRUE(lock && lock->try_lock() == true);
        return lock;
    }
};

TEST_F(BothKilled, InAPidNamespaceNothingSurvives) {
    isolation = "pidns";
    auto first = supervise({}, probe({"--ignore-term", "--escapee"}));
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    ASSERT_TRUE(wait_for_starts(1));
    kill_both(first);
    EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, milliseconds(500)));
    auto second = supervise({}, probe());
    EXPECT_TRUE(wait_for_starts(2));
    stop(second);
}

TEST_F(BothKilled, InAPidNamespaceAStoppedWardenDoesNotHelpTheTreeToSurvive) {
    isolation = "pidns";
    auto supervisor = supervise({}, probe({"--ignore-term", "--escapee"}));
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    ASSERT_TRUE(wait_for_starts(1));
    ::kill(living(mark, is_warden).at(0).pid, SIGSTOP);
    supervisor.signal(SIGKILL);
    ASSERT_TRUE(supervisor.wait(seconds(5)));
    EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, milliseconds(500)));
}

// An ordinary user has no PID namespace by default: what escapes is found at the next start by the
// instance's tag and the lock it inherited, ended, and counted; until then it blocks, so never two.
TEST_F(BothKilled, WithoutOneTheNextStartEndsWhatSurvivedAndCountsIt) {
    isolation = "subreaper";
    auto first = supervise({}, probe({"--escapee"}));
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    ASSERT_TRUE(wait_for_starts(1));
    kill_both(first);
    ASSERT_TRUE(wait_until([&] { return living(mark, is_worker).empty(); }, seconds(5)));
    const auto escapee = living(mark, is_escapee);
    ASSERT_EQ(escapee.size(), 1U);

    // Not ours: the same program, started by hand.
    auto decoy = start({ONELOOP_PROBE_WORKER});
    auto second = supervise({}, probe());
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(said("1 process was left of an earlier run: " + std::to_string(escapee[0].pid)), 1)
        << read_file(console);
    EXPECT_TRUE(living(mark, is_escapee).empty());
    EXPECT_FALSE(decoy.wait(milliseconds(0))) << "the decoy was ended";
    stop(second);
}

// The warden can't end its tree, and it keeps lock and name: the next start ends it, since its
// supervisor is dead, and the descendants with it.
TEST_F(BothKilled, AStoppedWardenWhoseSupervisorWasKilledIsEndedByTheNextStart) {
    isolation = "subreaper";
    auto first = supervise({}, probe({"--escapee"}));
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    ASSERT_TRUE(wait_for_starts(1));
    ::kill(living(mark, is_warden).at(0).pid, SIGSTOP);
    first.signal(SIGKILL);
    ASSERT_TRUE(first.wait(seconds(5)));
    auto second = supervise({}, probe());
    EXPECT_TRUE(wait_for_starts(2, seconds(20))) << read_file(console);
    EXPECT_TRUE(living(mark, is_escapee).empty());
    stop(second);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_F(BothKilled, WithStandardErrorClosedTheLockRecordStaysWhole) {
    const auto command = probe();
    std::string line = std::string("exec ") + ONELOOP_SUPERVISOR + " --state-dir " + state + " -- ";
    for (const auto& argument : command)
        line += argument + " ";
    auto supervisor = start({"sh", "-c", line + "2>&- >&- <&-"});
    ASSERT_TRUE(wait_for_starts(1));
    EXPECT_EQ(parse_record(read_file(state + "/supervisor.lock")).pid, supervisor.pid());
    stop(supervisor);
    EXPECT_EQ(read_file(state + "/supervisor.lock").find("[supervisor]"), std::string::npos);
}

// Somebody who locks the file for himself is neither a leftover nor ours to end: he is named.
TEST_F(BothKilled, AStrangerWithTheLockBlocksTheWorkerAndIsNamed) {
    auto lock = strangers_lock();
    ASSERT_TRUE(lock);

    const Census census(mark, is_worker);
    auto second = supervise({}, probe());
    const std::string named = "pid " + std::to_string(::getpid()) + " keeps the lock";
    EXPECT_TRUE(wait_until([&] { return said(named) >= 1; }, seconds(10))) << read_file(console);
    EXPECT_EQ(logged("START"), 1);
    EXPECT_EQ(census.most(), 0U);
    ::close(lock->release());
    // As soon as it is free, the worker starts by itself.
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(second);
}

// There is no worker yet to hand them to; that is no reason to give up the wait for the lock.
TEST_F(BothKilled, SignalsThatAreHandedOnDoNotEndTheWaitForTheLock) {
    auto lock = strangers_lock();
    ASSERT_TRUE(lock);

    auto second = supervise({}, probe());
    // Started with its signals in place.
    ASSERT_TRUE(wait_until([&] { return living(mark, is_warden).size() == 1; }, seconds(10)));
    const auto hand_on_until = [&](const std::function<bool()>& condition) {
        return wait_until(
            [&] {
                second.signal(SIGWINCH);
                second.signal(SIGUSR2);
                return condition();
            },
            seconds(10));
    };
    EXPECT_TRUE(hand_on_until([&] { return said("keeps the lock") >= 1; })) << read_file(console);
    ASSERT_TRUE(wait_until([&] { return living(mark, is_warden).size() == 1; }, seconds(10)));
    EXPECT_TRUE(hand_on_until([&] { return said("keeps the lock") >= 2; })) << read_file(console);
    EXPECT_EQ(said("crashed"), 0) << read_file(console);
    ::close(lock->release());
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(second);
}

class IfRunning : public SupervisorFixture {};

TEST_F(IfRunning, ReplaceEndsTheOldOneFirstAndNeverHasTwoWorkers) {
    const Census census(mark, is_worker);
    std::vector<std::unique_ptr<Process>> supervisors;
    supervisors.push_back(std::make_unique<Process>(supervise({}, probe())));
    ASSERT_TRUE(wait_for_starts(1));
    for (int round = 2; round <= 6; ++round) {
        Process& old = *supervisors.back();
        supervisors.push_back(
            std::make_unique<Process>(supervise({"--if-running", "replace"}, probe())));
        ASSERT_TRUE(wait_for_starts(round)) << read_file(console);
        EXPECT_EQ(said("taking over: supervisor"), round - 1) << read_file(console);
        EXPECT_EQ(old.wait(seconds(5)), (ExitStatus{0, 0}));
    }
    stop(*supervisors.back());
    EXPECT_EQ(logged("STOP"), 6) << "each worker was asked to stop, none was killed";
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_F(IfRunning, ReplaceKillsASupervisorThatHangs) {
    auto first = supervise({"--stop-timeout", "100ms"}, probe({"--ignore-term", "--escapee"}));
    ASSERT_TRUE(wait_for_starts(1));
    first.signal(SIGSTOP);
    // SIGCONT comes with the request, so it is stopped again and again until the KILL.
    auto next = supervise({"--if-running", "replace", "--stop-timeout", "100ms"}, probe());
    ASSERT_TRUE(wait_for_starts(2, seconds(20))) << read_file(console);
    EXPECT_TRUE(first.wait(seconds(5)));
    stop(next);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_F(IfRunning, WaitStartsWhenTheOldOneHasEnded) {
    auto first = supervise({}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    auto next = supervise({"--if-running", "wait"}, probe());
    ASSERT_TRUE(
        wait_until([&] { return said("already running; waiting up to 12s") == 1; }, seconds(5)))
        << read_file(console);
    EXPECT_EQ(logged("START"), 1);
    stop(first);
    ASSERT_TRUE(wait_for_starts(2));
    stop(next);
}

TEST_F(IfRunning, WaitGivesUpAfterTheStopTimeoutAndTwoSeconds) {
    auto first = supervise({}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    auto next = supervise({"--if-running", "wait", "--stop-timeout", "0"}, probe());
    EXPECT_EQ(next.wait(seconds(10)), (ExitStatus{exit_running, 0}));
    EXPECT_EQ(logged("START"), 1);
    stop(first);
}

// Files can be deleted under a running instance; its name in the kernel can't.
class FilesDeleted : public SupervisorFixture, public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(What, FilesDeleted, testing::Values("supervisor.lock", "all"),
                         [](const auto& test) {
                             const std::string name = test.param;
                             return name.substr(0, name.find('.'));
                         });

TEST_P(FilesDeleted, ANewcomerIsRefusedAndTheWorkerLivesOn) {
    const Census census(mark, is_worker);
    auto first = supervise({}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    const std::string what = GetParam();
    std::filesystem::remove_all(what == "all" ? state : state + "/" + what);
    for (const char* how : {"error", "replace"}) {
        auto next = supervise({"--if-running", how}, probe());
        EXPECT_EQ(next.wait(seconds(10)), (ExitStatus{exit_running, 0})) << read_file(console);
    }
    EXPECT_EQ(said("already running: pid " + std::to_string(first.pid())), 2) << read_file(console);
    EXPECT_EQ(logged("START"), 1);
    EXPECT_EQ(living(mark, is_worker).size(), 1U);
    EXPECT_EQ(census.most(), 1U);
    stop(first);
    auto later = supervise({}, probe());
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(later);
}

// The supervisor is killed as well: the name stays taken until its warden has ended the tree.
TEST_P(FilesDeleted, AndWithTheSupervisorKilledTwoGenerationsNeverOverlap) {
    for (int round = 1; round <= 10; ++round) {
        auto first = supervise({}, probe({"--ignore-term", "--escapee"}));
        ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
        ASSERT_TRUE(wait_for_starts(2 * round - 1));
        const std::string what = GetParam();
        std::filesystem::remove_all(what == "all" ? state : state + "/" + what);
        first.signal(SIGKILL);
        auto next = supervise({}, probe());
        ASSERT_TRUE(wait_for_starts(2 * round)) << read_file(console);
        stop(next);
    }
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

}  // namespace
}  // namespace oneloop::test
