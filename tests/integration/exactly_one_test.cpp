// Never two: live workers are counted all the time and their intervals never overlap, whatever
// happens to the supervisor, the warden and the worker. Each promise has a control that breaks it.
#include <gtest/gtest.h>

#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class ExactlyOneControl : public SupervisorFixture {};

// Every promise with each way to keep a tree together.
class ExactlyOne : public SupervisorFixture, public testing::WithParamInterface<const char*> {
  protected:
    ExactlyOne() { isolation = GetParam(); }

    // The worker logged `before`, one number and `after`: the lock, wherever the warden opened it.
    [[nodiscard]] bool one_more_descriptor(const std::string& before,
                                           const std::string& after) const {
        const std::string text = read_file(log);
        const auto at = text.find(before);
        if (at == std::string::npos) return false;
        const auto end = text.find_first_not_of("0123456789", at + before.size());
        return end > at + before.size() && text.compare(end, after.size(), after) == 0;
    }
};

INSTANTIATE_TEST_SUITE_P(Isolation, ExactlyOne, testing::Values("subreaper", "cgroup", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(ExactlyOne, OneHundredReloadsNeverHaveTwoLiveWorkers) {
    const Census census(mark, is_worker);
    // A fixed quiet time: the adaptive one would rightly join saves that come this fast.
    auto supervisor = supervise({"--watch", "--debounce", "4ms"}, probe());
    for (int reload = 1; reload <= 100; ++reload) {
        ASSERT_TRUE(wait_for_starts(reload)) << reload << "\n" << read_file(console);
        // Two in turn: one that changes after each start looks like the worker's own write.
        write_file(reload % 2 ? source : dir.file("project/b.py"), std::to_string(reload));
    }
    ASSERT_TRUE(wait_for_starts(101));
    stop(supervisor);
    const IntervalLog times(intervals);
    EXPECT_GE(times.entries(), 101U);
    EXPECT_TRUE(times.overlaps().empty());
    EXPECT_TRUE(times.generations_grow());
    EXPECT_EQ(census.most(), 1U);
    EXPECT_GT(census.looks(), 100U);
}

TEST_F(ExactlyOneControl, TwoStartsWithoutALockAreTwoWorkers) {
    const Census census(mark, is_worker);
    auto one = start({ONELOOP_NAIVE_SUPERVISOR, "no-lock", dir.file("lock"), ONELOOP_PROBE_WORKER,
                      "--intervals", intervals, "--log", log});
    auto two = start({ONELOOP_NAIVE_SUPERVISOR, "no-lock", dir.file("lock"), ONELOOP_PROBE_WORKER,
                      "--intervals", intervals, "--log", log});
    ASSERT_TRUE(wait_for_starts(2));
    EXPECT_TRUE(wait_until([&] { return census.most() == 2; }, seconds(5)));
    EXPECT_TRUE(wait_until([&] { return !IntervalLog(intervals).overlaps().empty(); }, seconds(5)));
    leftovers_expected = true;
}

TEST_P(ExactlyOne, ASecondSupervisorOfTheInstanceRefusesAndNamesTheFirst) {
    const Census census(mark, is_worker);
    auto first = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    for (int i = 0; i < 10; ++i) {
        const std::string said_by_second = dir.file("second");
        Process second(
            {{ONELOOP_SUPERVISOR, "--watch", "--state-dir", state, "--", ONELOOP_PROBE_WORKER},
             project,
             {{census_variable, mark}},
             said_by_second});
        const auto status = second.wait(seconds(10));
        ASSERT_TRUE(status);
        EXPECT_EQ(status->code, exit_running);
        const std::string text = read_file(said_by_second);
        EXPECT_NE(text.find("already running: pid " + std::to_string(first.pid())),
                  std::string::npos)
            << text;
        EXPECT_NE(text.find("kill " + std::to_string(first.pid())), std::string::npos) << text;
        EXPECT_NE(text.find("since 20"), std::string::npos) << text;
    }
    EXPECT_EQ(logged("START"), 1);
    EXPECT_EQ(census.most(), 1U);
    stop(first);
}

// 500 ms for everything, a descendant included that is in another session and deaf to every signal.
TEST_P(ExactlyOne, NothingOutlivesAKilledSupervisor) {
    for (int i = 0; i < 10; ++i) {
        auto supervisor = supervise({}, probe({"--ignore-term", "--escapee"}));
        ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
        ASSERT_TRUE(wait_for_starts(i + 1));
        supervisor.signal(SIGKILL);
        EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, milliseconds(500)))
            << living(mark).front().command;
        ASSERT_TRUE(supervisor.wait(seconds(5)));
    }
}

TEST_F(ExactlyOneControl, AGroupKillLeavesTheEscapeeBehind) {
    auto naive = start({ONELOOP_NAIVE_SUPERVISOR, "group-kill", dir.file("lock"),
                        ONELOOP_PROBE_WORKER, "--log", log, "--ignore-term", "--escapee"});
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    ASSERT_TRUE(wait_for_starts(1));
    naive.signal(SIGKILL);
    EXPECT_TRUE(wait_until([&] { return living(mark, is_worker).empty(); }, seconds(5)));
    EXPECT_FALSE(wait_until([&] { return living(mark).empty(); }, milliseconds(500)));
    leftovers_expected = true;
}

TEST_P(ExactlyOne, AWorkerThatIgnoresTermIsKilledAtTheDeadlineAndReplaced) {
    const Census census(mark, is_worker);
    auto supervisor =
        supervise({"--watch", "--stop-timeout", "300ms"}, probe({"--ignore-term", "--escapee"}));
    ASSERT_TRUE(wait_for_starts(1));
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(5)));
    const auto asked = std::chrono::steady_clock::now();
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2));
    EXPECT_GE(std::chrono::steady_clock::now() - asked, milliseconds(300));
    EXPECT_EQ(said("did not stop on SIGTERM within "), 1) << read_file(console);
    // Only the new generation's, which may take a moment to become one.
    EXPECT_LE(living(mark, is_escapee).size(), 1U);
    EXPECT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(5)));
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_P(ExactlyOne, AKilledWardenTakesItsTreeAndANewGenerationFollows) {
    const Census census(mark, is_worker);
    auto supervisor = supervise({"--watch"}, probe({"--ignore-term", "--escapee"}));
    for (int round = 1; round <= 5; ++round) {
        ASSERT_TRUE(wait_for_starts(round)) << read_file(console);
        ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(5)));
        const auto wardens =
            living(mark, [](const Seen& seen) { return seen.command.find("oneloop-warden") == 0; });
        ASSERT_EQ(wardens.size(), 1U);
        ::kill(wardens[0].pid, SIGKILL);
        // Ends a back-off. In turn, as above.
        write_file(round % 2 ? source : dir.file("project/b.py"), std::to_string(round));
    }
    ASSERT_TRUE(wait_for_starts(6));
    EXPECT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(5)));
    supervisor.signal(SIGKILL);
    ASSERT_TRUE(supervisor.wait(seconds(5)));
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_P(ExactlyOne, AStopIsGracefulOnceAndDiesByTheSignal) {
    for (const int signal : {SIGTERM, SIGINT}) {
        write_file(log, "");
        auto supervisor = supervise({}, probe({"--stop-takes", "100"}));
        ASSERT_TRUE(wait_for_starts(1));
        supervisor.signal(signal);
        const auto status = supervisor.wait(seconds(10));
        ASSERT_TRUE(status);
        EXPECT_EQ(status->signal, signal);
        EXPECT_EQ(logged("STOP"), 1);
        EXPECT_TRUE(living(mark).empty()) << "gone before the supervisor ends, not after";
    }
}

TEST_P(ExactlyOne, TheWorkerGetsTheFlagTheLockAndNothingElse) {
    ::setenv("LISTEN_FDS", "7", 1);
    ::setenv("WERKZEUG_RUN_MAIN", "true", 1);
    auto supervisor = supervise({}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    ::unsetenv("LISTEN_FDS");
    ::unsetenv("WERKZEUG_RUN_MAIN");
    // 0 to 2 and the lock, wherever the warden opened it.
    EXPECT_TRUE(one_more_descriptor("flag=true fds=0,1,2,", " listen=-/- notify=-"))
        << read_file(log);
    stop(supervisor);
}

TEST_P(ExactlyOne, TheWorkerNeverGetsTheServiceManagersOwnSocket) {
    ::setenv("NOTIFY_SOCKET", "/nowhere", 1);
    auto supervisor = supervise({}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    ::unsetenv("NOTIFY_SOCKET");
    // One of the supervisor's: what the worker says of itself is passed on in the supervisor's
    // name.
    EXPECT_TRUE(
        one_more_descriptor("flag=true fds=0,1,2,", " listen=-/- notify=" + state + "/notify.sock"))
        << read_file(log);
    stop(supervisor);
}

TEST_P(ExactlyOne, SocketsComeFromDescriptorThreeOnWithTheWorkersOwnPid) {
    auto supervisor =
        supervise({"--socket", "a=127.0.0.1:0", "--socket", "b=127.0.0.1:0"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    const auto worker = living(mark, is_worker);
    ASSERT_EQ(worker.size(), 1U);
    // In a PID namespace the worker is process 2, and that is the pid it compares with.
    const auto pid = isolation == "pidns" ? 2 : worker[0].pid;
    EXPECT_TRUE(one_more_descriptor("fds=0,1,2,3,4,", " listen=2/" + std::to_string(pid) + " "))
        << read_file(log);
    stop(supervisor);
}

TEST_P(ExactlyOne, ACrashIsRestartedAndThreeQuickOnesWaitForAChange) {
    auto supervisor = supervise({"--watch"}, probe({"--exit", "7"}));
    ASSERT_TRUE(wait_until([&] { return said("waiting for a change") == 1; }, seconds(20)))
        << read_file(console);
    EXPECT_EQ(logged("START"), 3);
    EXPECT_EQ(said("crashed: exit 7"), 3);
    write_file(source, "cured");
    EXPECT_TRUE(wait_for_starts(4));
    stop(supervisor);
}

TEST_P(ExactlyOne, ExitThreeAsksForARestartAndIsNoCrash) {
    auto supervisor = supervise({"--watch"}, probe({"--exit", "3", "--after", "600"}));
    ASSERT_TRUE(wait_for_starts(4)) << read_file(console);
    EXPECT_GE(said("asked for a restart (exit 3); restarting"), 3) << read_file(console);
    EXPECT_EQ(said("crashed"), 0) << read_file(console);
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
