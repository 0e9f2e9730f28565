// No descriptors, no processes, and a worker that takes all it can get of them. Each time an error
// that names the step, and a supervisor that goes on when there is enough again.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <optional>

#include "tests/support/kin.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class Exhaustion : public SupervisorFixture {
  protected:
    Exhaustion() { isolation = "subreaper"; }

    // Runs `before` in front of the supervisor: prlimit, setpriv.
    [[nodiscard]] Process supervise_behind(const std::vector<std::string>& before,
                                           const std::vector<std::string>& options,
                                           const std::vector<std::string>& worker) const {
        std::vector<std::string> all = before;
        all.insert(all.end(), options.begin(), options.end());
        all.insert(all.end(), {"--isolate", isolation, "--state-dir", state, "--"});
        all.insert(all.end(), worker.begin(), worker.end());
        return start(all);
    }

    static long descriptors_of(pid_t pid) {
        const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid) + "/fd");
        return std::distance(begin(all), end(all));
    }

    static void limit(pid_t pid, int what, rlim_t soft) {
        rlimit now{};
        ASSERT_EQ(::prlimit(pid, static_cast<__rlimit_resource>(what), nullptr, &now), 0);
        now.rlim_cur = soft;
        ASSERT_EQ(::prlimit(pid, static_cast<__rlimit_resource>(what), &now, nullptr), 0)
            << std::strerror(errno);
    }
};

// From 5 descriptors upwards until it works: at each limit another step runs out of them.
TEST_F(Exhaustion, EveryLimitOfDescriptorsIsAnErrorOrAWorker) {
    const Census census(mark, is_worker);
    bool works = false;
    for (int most = 5; most < 100 && !works; ++most) {
        write_file(console, "");
        const std::string number = std::to_string(most);
        auto supervisor =
            supervise_behind({"prlimit", "--nofile=" + number + ":" + number, ONELOOP_SUPERVISOR},
                             {"--watch"}, probe());
        std::optional<ExitStatus> ended;
        ASSERT_TRUE(wait_until(
            [&] {
                ended = supervisor.wait(milliseconds(0));
                works = logged("START") > 0;
                return works || ended || said("; restarting in ") > 0;
            },
            seconds(20)))
            << most << ": neither an error nor a worker\n"
            << read_file(console);
        if (works) {
            EXPECT_GT(most, 15) << "the limit was none";
            write_file(source, "2");
            EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
            stop(supervisor);
        } else if (ended) {
            EXPECT_GE(said("oo many open files"), 1) << most << "\n" << read_file(console);
            EXPECT_TRUE(ended->code == exit_unavailable || ended->code == exit_internal ||
                        ended->code == 127)  // not even its libraries
                << most << ": " << describe(*ended) << "\n"
                << read_file(console);
        } else {
            EXPECT_GE(said("Too many open files; restarting in "), 1) << read_file(console);
            EXPECT_EQ(logged("START"), 0);
            stop(supervisor);
        }
        ASSERT_TRUE(wait_until([&] { return living(mark).empty(); }, seconds(5))) << most;
    }
    EXPECT_TRUE(works);
    EXPECT_LE(census.most(), 1U);
}

// The same with one that runs: the limit falls under it, and rises again.
TEST_F(Exhaustion, WithoutDescriptorsLaterItWaitsAndGoesOnByItself) {
    const Census census(mark, is_worker);
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    const auto used = static_cast<rlim_t>(descriptors_of(supervisor.pid()));
    int starts = 1;
    for (rlim_t more = 0; more < 6; ++more) {
        rlimit before{};
        ASSERT_EQ(::prlimit(supervisor.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
        const int refused = said("Too many open files; restarting in ");
        // Two are free when the old one is gone: its control socket and its pidfd.
        limit(supervisor.pid(), RLIMIT_NOFILE, used - 2 + more);
        write_file(source, std::to_string(more));
        EXPECT_TRUE(wait_until(
            [&] { return said("Too many open files; restarting in ") > refused; }, seconds(20)))
            << more << "\n"
            << read_file(console);
        EXPECT_EQ(logged("START"), starts);
        EXPECT_TRUE(living(mark, is_worker).empty());
        limit(supervisor.pid(), RLIMIT_NOFILE, before.rlim_cur);
        ASSERT_TRUE(wait_for_starts(++starts, seconds(40))) << read_file(console);
    }
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

// A killed warden leaves what it had to the supervisor, which has no descriptor to read in /proc
// who that is. Not knowing is no "nobody is there".
TEST_F(Exhaustion, WithoutDescriptorsASweepDoesNotTakeSilenceForTheEnd) {
    auto supervisor = supervise({"--watch"}, probe({"--escapee"}));
    ASSERT_TRUE(wait_for_starts(1));
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    const pid_t escapee = living(mark, is_escapee)[0].pid;
    rlimit before{};
    ASSERT_EQ(::prlimit(supervisor.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
    limit(supervisor.pid(), RLIMIT_NOFILE, 3);
    ::kill(living(mark, is_warden).at(0).pid, SIGKILL);
    ASSERT_TRUE(wait_until([&] { return living(mark, is_worker).empty(); }, seconds(5)));
    EXPECT_FALSE(wait_until([&] { return said("not started") > 0; }, seconds(1)))
        << "it took the tree for gone\n"
        << read_file(console);
    EXPECT_EQ(living(mark, is_escapee).size(), 1U);
    limit(supervisor.pid(), RLIMIT_NOFILE, before.rlim_cur);
    ASSERT_TRUE(wait_for_starts(2, seconds(20))) << read_file(console);
    EXPECT_EQ(state_of(escapee), 0);
    supervisor.signal(SIGKILL);
    ASSERT_TRUE(supervisor.wait(seconds(5)));
}

// RLIMIT_NPROC counts all processes of a user, and root is above it: a user that nobody else is.
TEST_F(Exhaustion, WithoutProcessesItWaitsAndGoesOnByItself) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to become a user of its own";
    const std::string user = "61017";
    const std::filesystem::path built(ONELOOP_SUPERVISOR);
    for (const char* program : {"supervisor", "warden"}) {
        std::filesystem::copy(built.parent_path() / program, dir.file(program));
    }
    std::filesystem::copy(ONELOOP_PROBE_WORKER, dir.file("probe_worker"));
    ASSERT_EQ(std::system(("chown -R " + user + ":" + user + " " + dir.path()).c_str()), 0);
    const std::vector<std::string> as_user = {"setpriv", "--reuid=" + user, "--regid=" + user,
                                              "--clear-groups"};
    std::vector<std::string> limited = as_user;
    limited.insert(limited.end(), {"prlimit", "--nproc=3:3", dir.file("supervisor")});
    std::vector<std::string> sleeper = as_user;
    sleeper.insert(sleeper.end(), {"sleep", "1000"});
    // Three are what a supervisor needs. One too many, and the warden has no worker; two, and there
    // is no warden either.
    for (const int others : {1, 2}) {
        write_file(console, "");
        std::vector<Process> sleepers;
        for (int i = 0; i < others; ++i)
            sleepers.push_back(start(sleeper));
        const auto asleep = [](const Seen& seen) { return seen.command == "sleep 1000"; };
        ASSERT_TRUE(wait_until(
            [&] { return living(mark, asleep).size() == static_cast<std::size_t>(others); },
            seconds(10)));
        auto supervisor =
            supervise_behind(limited, {"--watch"}, {dir.file("probe_worker"), "--log", log});
        const std::string step = others == 1 ? "fork" : "clone";
        ASSERT_TRUE(wait_until(
            [&] {
                return said("not started: " + step +
                            ": Resource temporarily unavailable; restarting in ") >= 3;
            },
            seconds(20)))
            << read_file(console);
        EXPECT_EQ(logged("START"), others - 1);
        sleepers.clear();  // ends them
        ASSERT_TRUE(wait_for_starts(others, seconds(40))) << read_file(console);
        stop(supervisor);
    }
}

class ForkStorm : public Exhaustion, public testing::WithParamInterface<const char*> {
  protected:
    ForkStorm() { isolation = GetParam(); }
    void SetUp() override {
        SupervisorFixture::SetUp();
        if (isolation == "pidns" && ::geteuid() != 0) GTEST_SKIP() << "needs root";
    }
};

INSTANTIATE_TEST_SUITE_P(Isolation, ForkStorm, testing::Values("subreaper", "cgroup", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

// In the middle of it, when forks slip in between two looks at who is there.
TEST_P(ForkStorm, IsEndedByARestartAndByAStop) {
    auto supervisor = supervise({"--watch", "--stop-timeout", "20ms"}, probe({"--fork-storm"}));
    for (int round = 1; round <= 5; ++round) {
        ASSERT_TRUE(wait_for_starts(round, seconds(60))) << read_file(console);
        write_file(source, std::to_string(round));
    }
    ASSERT_TRUE(wait_for_starts(6, seconds(60))) << read_file(console);
    supervisor.signal(SIGTERM);
    EXPECT_TRUE(supervisor.wait(seconds(60))) << read_file(console);
    EXPECT_TRUE(living(mark).empty());
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_P(ForkStorm, IsEndedWithAKilledSupervisor) {
    for (int round = 1; round <= 5; ++round) {
        auto supervisor = supervise({}, probe({"--fork-storm"}));
        ASSERT_TRUE(wait_for_starts(round, seconds(60))) << read_file(console);
        supervisor.signal(SIGKILL);
        ASSERT_TRUE(supervisor.wait(seconds(10)));
        EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, seconds(60)));
    }
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

// And when all are there.
TEST_P(ForkStorm, IsEndedWithAKilledWarden) {
    auto supervisor = supervise({"--watch"}, probe({"--fork-storm"}));
    ASSERT_TRUE(wait_for_starts(1, seconds(60)));
    ASSERT_TRUE(wait_until([&] { return living(mark).size() >= 300; }, seconds(60)))
        << living(mark).size();
    ::kill(living(mark, is_warden).at(0).pid, SIGKILL);
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2, seconds(60))) << read_file(console);
    supervisor.signal(SIGKILL);
    ASSERT_TRUE(supervisor.wait(seconds(10)));
    EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, seconds(60)));
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

}  // namespace
}  // namespace oneloop::test
