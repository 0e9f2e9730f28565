// --watchdog with real workers: one that hangs is ended and replaced; one that can't give a sign
// because somebody holds it is left alone, and `status` says so.
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "tests/support/frozen.h"
#include "tests/support/vitals_fixture.h"

namespace oneloop::test {
namespace {

class Lives : public VitalsFixture {
  protected:
    // Short, since nearly all that is shown here is that periods pass and nothing happens.
    static constexpr auto period = milliseconds(400);

    // Ready at once, and eight signs of life in a period until it is told to hang. Without the
    // interval log: this is no stress, and the machine is to be idle.
    [[nodiscard]] std::vector<std::string> lively(const std::string& more = "") const {
        std::vector<std::string> command = {
            ONELOOP_PROBE_WORKER, "--log", log, "--ready-when", "now", "--alive-every", "50"};
        if (!more.empty()) command.push_back(more);
        return command;
    }
    [[nodiscard]] Process start_lively(const std::vector<std::string>& more = {}) {
        std::vector<std::string> options = {"--ready", "notify", "--watchdog", "400ms"};
        options.insert(options.end(), more.begin(), more.end());
        auto supervisor = supervise(options, lively());
        EXPECT_TRUE(wait_for_starts(1)) << read_file(console);
        EXPECT_TRUE(wait_for("ready in")) << read_file(console);
        return supervisor;
    }
    // Sent and taken: a debugger that comes now does not get it instead.
    void hang() const {
        const pid_t pid = worker();
        ::kill(pid, SIGUSR1);
        EXPECT_TRUE(wait_until([&] { return !pending(pid, SIGUSR1); }, seconds(5)));
    }
    static bool pending(pid_t pid, int signal) {
        const std::string status = read_file("/proc/" + std::to_string(pid) + "/status");
        const auto at = status.find("ShdPnd:");
        if (at == std::string::npos) return false;
        return (std::strtoull(status.c_str() + at + 7, nullptr, 16) >> (signal - 1) & 1) != 0;
    }

    // As long as `why` holds the worker, nothing happens to it, and everybody can read why.
    void expect_time_stands_still(const std::string& why) {
        const pid_t held = worker();
        const auto shown = [&] {
            const auto json = status();
            return json["watchdog"].is_object() && json["watchdog"]["held"].is_string() &&
                   json["watchdog"]["held"].get<std::string>().find(why) != std::string::npos;
        };
        ASSERT_TRUE(wait_until(shown, seconds(10))) << status().dump(1);
        EXPECT_FALSE(wait_for("said nothing", 1, 3 * period)) << read_file(console);
        EXPECT_TRUE(shown()) << status().dump(1);
        EXPECT_NE(status_text().find("time stands still: " + why), std::string::npos)
            << status_text();
        EXPECT_GE(status()["watchdog"]["last_ms_ago"], 3 * period.count());
        EXPECT_EQ(worker(), held);
    }
    // Set free it goes on where it was; the control: a worker that hangs now is found.
    void expect_it_counts_again() {
        const pid_t freed = worker();
        EXPECT_TRUE(wait_until([&] { return status()["watchdog"]["held"].is_null(); }, seconds(10)))
            << status().dump(1);
        EXPECT_FALSE(wait_for("said nothing", 1, 2 * period)) << read_file(console);
        EXPECT_EQ(worker(), freed);
        hang();
        EXPECT_TRUE(wait_for("said nothing for")) << read_file(console);
        EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    }
};
INSTANTIATE_TEST_SUITE_P(Isolation, Lives, testing::Values("subreaper", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(Lives, OneThatHangsIsAbortedAndReplacedAndNeverTwo) {
    const Census census(mark, is_worker);
    auto supervisor = start_lively();
    const auto json = status();
    EXPECT_EQ(json["watchdog"]["interval_ms"], period.count());
    EXPECT_TRUE(json["watchdog"]["held"].is_null());
    EXPECT_NE(status_text().find("watchdog     every 0.40s, last sign of life"), std::string::npos);
    // As long as it gives signs nothing happens: the control of what follows.
    EXPECT_FALSE(wait_for("said nothing", 1, 3 * period)) << read_file(console);
    const pid_t hung = worker();
    hang();
    ASSERT_TRUE(wait_for("aborting it for a core (SIGABRT)")) << read_file(console);
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(said("worker " + std::to_string(hung) + " said nothing for "), 2)
        << "as it is found, and as it has ended\n"
        << read_file(console);
    EXPECT_EQ(said("(--watchdog 400ms) and was ended; restarting in"), 1) << read_file(console);
    // The signs of the one before are not this one's, and its silence neither.
    EXPECT_TRUE(wait_for("ready in", 2)) << read_file(console);
    EXPECT_FALSE(wait_for_starts(3, 3 * period)) << read_file(console);
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_EQ(logged("STOP"), 1) << "the hung one was aborted, not asked";
}

// A hang that keeps all signals out as well.
TEST_P(Lives, OneThatHangsAndIsDeafIsKilledAtTheDeadline) {
    const Census census(mark, is_worker);
    auto supervisor =
        supervise({"--ready", "notify", "--watchdog", "400ms", "--stop-timeout", "200ms"},
                  {"/bin/sh", "-c",
                   "trap '' ABRT TERM; echo START >> " + log + "; exec " + ONELOOP_PROBE_WORKER +
                       " --ignore-term --ready-when now"});
    ASSERT_TRUE(wait_for("said nothing for")) << read_file(console);
    ASSERT_TRUE(wait_for("killing it and all it started")) << read_file(console);
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    supervisor.signal(SIGTERM);
    EXPECT_TRUE(supervisor.wait(seconds(15)));
    EXPECT_EQ(census.most(), 1U);
}

TEST_P(Lives, AStoppedOneIsLeftAlone) {
    auto supervisor = start_lively();
    ::kill(worker(), SIGSTOP);
    expect_time_stands_still("it is stopped (SIGSTOP or Ctrl-Z)");
    ::kill(worker(), SIGCONT);
    expect_it_counts_again();
    stop(supervisor);
}

TEST_P(Lives, OneWithADebuggerIsLeftAlone) {
    auto supervisor = start_lively();
    const pid_t held = worker();
    if (::ptrace(PTRACE_SEIZE, held, nullptr, nullptr) != 0) {
        stop(supervisor);
        GTEST_SKIP() << "ptrace is not allowed here";
    }
    ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, held, nullptr, nullptr), 0);
    ASSERT_EQ(::waitpid(held, nullptr, __WALL), held);  // as at a breakpoint
    expect_time_stands_still("a debugger has it (pid " + std::to_string(::getpid()));
    ASSERT_EQ(::ptrace(PTRACE_DETACH, held, nullptr, nullptr), 0);
    expect_it_counts_again();
    stop(supervisor);
}

// A debugger that lets it run still may stop it at any moment.
TEST_P(Lives, NorDoesItCountWhileADebuggerLetsItRun) {
    auto supervisor = start_lively();
    const pid_t held = worker();
    hang();
    if (::ptrace(PTRACE_SEIZE, held, nullptr, nullptr) != 0) {
        stop(supervisor);
        GTEST_SKIP() << "ptrace is not allowed here";
    }
    expect_time_stands_still("a debugger has it");
    ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, held, nullptr, nullptr), 0);
    ASSERT_EQ(::waitpid(held, nullptr, __WALL), held);
    ASSERT_EQ(::ptrace(PTRACE_DETACH, held, nullptr, nullptr), 0);
    // It hung all the time, and now that counts.
    EXPECT_TRUE(wait_for("said nothing for")) << read_file(console);
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(supervisor);
}

class LivesFrozen : public Lives {
  protected:
    void freeze_with(FrozenCgroup::Version version) {
        const FrozenCgroup group(version, "oneloop-test-" + std::to_string(::getpid()));
        if (!group.usable()) GTEST_SKIP() << "no cgroup of this version that can be written to";
        auto supervisor = start_lively();
        ASSERT_TRUE(group.take(worker()));
        ASSERT_TRUE(group.freeze(true));
        expect_time_stands_still("its cgroup is frozen");
        ASSERT_TRUE(group.freeze(false));
        expect_it_counts_again();
        stop(supervisor);
    }
};
INSTANTIATE_TEST_SUITE_P(Isolation, LivesFrozen, testing::Values("subreaper", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(LivesFrozen, OneInAFrozenCgroupIsLeftAlone) {
    freeze_with(FrozenCgroup::Version::v2);
}
TEST_P(LivesFrozen, AlsoWithTheFreezerOfVersion1) {
    freeze_with(FrozenCgroup::Version::v1);
}

// A stopped supervisor reads nothing; what came meanwhile counts when it goes on.
TEST_P(Lives, AStoppedSupervisorBlamesNobodyForItsOwnAbsence) {
    auto supervisor = start_lively();
    const pid_t before = worker();
    supervisor.signal(SIGSTOP);
    // Longer than it forgives itself (Watchdog::patience_with_ourselves).
    EXPECT_FALSE(wait_until([&] { return worker() != before; }, milliseconds(1500)));
    supervisor.signal(SIGCONT);
    EXPECT_FALSE(wait_for("said nothing", 1, 3 * period)) << read_file(console);
    EXPECT_EQ(worker(), before);
    hang();
    EXPECT_TRUE(wait_for("said nothing for")) << read_file(console);
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(supervisor);
}

TEST_P(Lives, OneThatGivesItselfUpIsReplaced) {
    auto supervisor = supervise({"--ready", "notify", "--watchdog", "30s"},
                                {ONELOOP_PROBE_WORKER, "--log", log, "--say", "WATCHDOG=trigger"});
    EXPECT_TRUE(wait_for("gave itself up (WATCHDOG=trigger)")) << read_file(console);
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    supervisor.signal(SIGTERM);
    EXPECT_TRUE(supervisor.wait(seconds(15)));
}

// A stop is not a hang: it gives no sign while it cleans up, and has its whole time for that.
TEST_P(Lives, AWorkerThatTakesItsTimeToStopIsNotAborted) {
    std::vector<std::string> command = lively("--stop-takes");
    command.emplace_back("1200");  // three periods
    auto supervisor = supervise({"--ready", "notify", "--watchdog", "400ms"}, command);
    ASSERT_TRUE(wait_for("ready in")) << read_file(console);
    stop(supervisor);
    EXPECT_EQ(logged("CLEAN"), 1);
    EXPECT_EQ(said("said nothing"), 0) << read_file(console);
}

}  // namespace
}  // namespace oneloop::test
