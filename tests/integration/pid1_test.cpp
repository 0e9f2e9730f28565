// The supervisor as process 1 of a container: it stops when told, tells by its exit status what a
// container's manager wants to know, and buries every orphan that falls to it.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/kin.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

struct Container {
    const char* name;
    bool profile;  // as an unprivileged container has it
    const char* isolation;
};

class AsProcess1 : public SupervisorFixture, public testing::WithParamInterface<Container> {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root for a PID namespace of its own";
        isolation = GetParam().isolation;
    }

    // A container's pid 1: new PID namespace, new /proc, and `command` as its first process.
    [[nodiscard]] Process contain(const std::vector<std::string>& command) const {
        std::vector<std::string> all = {"unshare", "--pid", "--fork", "--kill-child",
                                        "--mount-proc"};
        if (GetParam().profile) {
            all.insert(all.end(), {ONELOOP_WITH_ERRNO, "container", "--"});
        }
        all.insert(all.end(), command.begin(), command.end());
        return start(all);
    }

    [[nodiscard]] Process run(const std::vector<std::string>& options,
                              const std::vector<std::string>& command) const {
        std::vector<std::string> all = {ONELOOP_SUPERVISOR};
        all.insert(all.end(), options.begin(), options.end());
        all.insert(all.end(), {"--isolate", isolation, "--state-dir", state, "--"});
        all.insert(all.end(), command.begin(), command.end());
        return contain(all);
    }

    // Process 1 as this namespace has it: unshare(1)'s only child.
    static pid_t first_process(const Process& container) {
        pid_t pid = 0;
        wait_until(
            [&] {
                const auto below = children_of(container.pid());
                if (!below.empty()) pid = below[0].pid;
                return pid > 0;
            },
            seconds(10));
        return pid;
    }

    // What `docker exec` does: a process inside whose parent is outside.
    void enter(pid_t container, const std::string& script) const {
        auto inside = start({"nsenter", "--pid", "--mount", "--target", std::to_string(container),
                             "sh", "-c", script});
        EXPECT_EQ(inside.wait(seconds(20)), (ExitStatus{0, 0})) << read_file(console);
    }

    static constexpr const char* ten_orphans =
        "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.01 & done";
};

INSTANTIATE_TEST_SUITE_P(Container, AsProcess1,
                         testing::Values(Container{"privileged_pidns", false, "pidns"},
                                         Container{"privileged_subreaper", false, "subreaper"},
                                         Container{"default_profile", true, "auto"}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(AsProcess1, StrangersAreBuried) {
    const Census census(mark, is_worker);
    auto container = run({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    const pid_t first = first_process(container);
    for (int round = 2; round <= 4; ++round) {
        enter(first, ten_orphans);
        EXPECT_TRUE(wait_until([&] { return children_of(first).size() == 1; }, seconds(10)))
            << zombies_of(first) << " zombies";
        // Not always at the same moment, as a worker's own writes are.
        if (round % 2 == 0) let_pass(seconds(1));
        // Beside a restart, whose warden is a dead child as well, and not the reaper's.
        write_file(source, std::to_string(round));
        enter(first, ten_orphans);
        ASSERT_TRUE(wait_for_starts(round)) << read_file(console);
    }
    EXPECT_TRUE(wait_until([&] { return children_of(first).size() == 1; }, seconds(10)));
    EXPECT_EQ(zombies_of(first), 0U);
    EXPECT_EQ(said("crashed"), 0) << read_file(console);
    ::kill(first, SIGTERM);
    EXPECT_EQ(container.wait(seconds(15)), (ExitStatus{143, 0})) << read_file(console);
    EXPECT_EQ(census.most(), 1U);
}

// Who has no reaper as process 1 keeps them, and the count above sees it.
TEST_P(AsProcess1, ControlSomethingElseLeavesZombies) {
    auto container = contain({"sleep", "1000"});
    const pid_t first = first_process(container);
    ASSERT_TRUE(wait_until(
        [&] { return read_file("/proc/" + std::to_string(first) + "/comm") == "sleep\n"; },
        seconds(10)));
    enter(first, ten_orphans);
    EXPECT_TRUE(wait_until([&] { return zombies_of(first) == 10U; }, seconds(10)))
        << zombies_of(first);
    ::kill(first, SIGKILL);
    EXPECT_TRUE(container.wait(seconds(10)));
}

// A stranger's daemon is not of the generation: the end of one, however violent, is not its end.
TEST_P(AsProcess1, AStrangersDaemonOutlivesAKilledWarden) {
    const auto is_daemon = [](const Seen& seen) { return seen.command == "sleep 1000"; };
    auto container = run({"--watch", "--stop-timeout", "200ms"}, probe({"--escapee"}));
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    const pid_t first = first_process(container);
    enter(first, "sleep 1000 &");
    ASSERT_TRUE(wait_until([&] { return living(mark, is_daemon).size() == 1; }, seconds(10)));
    ::kill(first, SIGUSR1);  // known from the next generation on
    for (int round = 2; round <= 4; ++round) {
        ASSERT_TRUE(wait_for_starts(round)) << read_file(console);
        ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
        ::kill(living(mark, is_warden).at(0).pid, SIGKILL);
        write_file(source, std::to_string(round));  // ends a back-off
    }
    ASSERT_TRUE(wait_for_starts(5)) << read_file(console);
    EXPECT_EQ(living(mark, is_daemon).size(), 1U);
    ::kill(first, SIGTERM);
    EXPECT_EQ(container.wait(seconds(15)), (ExitStatus{143, 0})) << read_file(console);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_P(AsProcess1, ADeafWorkerEndsByTheDeadline) {
    auto container = run({"--stop-timeout", "300ms"}, probe({"--ignore-term", "--escapee"}));
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    ::kill(first_process(container), SIGTERM);
    EXPECT_EQ(container.wait(seconds(15)), (ExitStatus{143, 0})) << read_file(console);
    EXPECT_EQ(said("did not stop on SIGTERM within "), 1) << read_file(console);
}

TEST_P(AsProcess1, TheExitStatusSaysWhy) {
    write_file(dir.file("project/script"), "not executable");
    struct Case {
        std::vector<std::string> options;
        std::vector<std::string> command;
        int code;
    };
    const std::vector<Case> cases = {
        {{"--on-exit", "exit"}, {"true"}, 0}, {{}, {"true"}, 0},
        {{}, {"sh", "-c", "exit 78"}, 78},    {{}, {"./script"}, 126},
        {{}, {"no-such-program"}, 127},
    };
    for (const auto& one : cases) {
        auto container = run(one.options, one.command);
        EXPECT_EQ(container.wait(seconds(15)), (ExitStatus{one.code, 0})) << read_file(console);
    }
}

TEST_P(AsProcess1, KilledItTakesEverythingWithIt) {
    auto container = run({}, probe({"--ignore-term", "--escapee"}));
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    ::kill(first_process(container), SIGKILL);
    EXPECT_TRUE(container.wait(seconds(10)));
    EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, seconds(5)));
}

// The other way to get children that one did not start: exec by somebody who had some.
class ExecutedByAShell : public SupervisorFixture {};

TEST_F(ExecutedByAShell, ItsChildrenAreNeitherEndedNorLeftAsZombies) {
    std::string line = "sleep 0.01 & sleep 1000 & exec " ONELOOP_SUPERVISOR
                       " --watch --isolate subreaper --state-dir " +
                       state + " --";
    for (const auto& argument : probe())
        line += " " + argument;
    auto supervisor = start({"sh", "-c", line});
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    ::kill(living(mark, is_warden).at(0).pid, SIGKILL);
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    // The warden and the shell's other one.
    EXPECT_TRUE(wait_until([&] { return children_of(supervisor.pid()).size() == 2; }, seconds(10)))
        << zombies_of(supervisor.pid()) << " zombies";
    const auto sleepers =
        living(mark, [](const Seen& seen) { return seen.command == "sleep 1000"; });
    ASSERT_EQ(sleepers.size(), 1U);
    stop(supervisor);
    ::kill(sleepers[0].pid, SIGKILL);
}

}  // namespace
}  // namespace oneloop::test
