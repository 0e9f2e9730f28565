// --isolate cgroup: one write ends everything, and the next start finds what hides itself from
// every other way of finding it. And a worker that was killed for want of memory is said to be so.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/cgroup_place.h"
#include "tests/support/kin.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

// Leaves its session, its environment, its descriptors and its name.
constexpr const char* hider =
    "( eval \"exec $ONELOOP_LOCK_FD>&-\"; setsid env -i sleep 86399 </dev/null >/dev/null 2>&1 & ) "
    "; echo ready > \"$0\"; exec sleep 86398";

class InACgroup : public SupervisorFixture {
  protected:
    InACgroup() { isolation = "cgroup"; }

    void SetUp() override {
        if (!place.usable()) GTEST_SKIP() << "no control group here that is ours to divide";
    }

    // The supervisor in a group of the test's own, so that what is left there is seen.
    [[nodiscard]] Process run(const std::vector<std::string>& options,
                              const std::vector<std::string>& command,
                              const std::vector<std::string>& before = {}) const {
        std::vector<std::string> all = place.entering();
        all.insert(all.end(), before.begin(), before.end());
        all.push_back(ONELOOP_SUPERVISOR);
        all.insert(all.end(), options.begin(), options.end());
        all.insert(all.end(), {"--isolate", isolation, "--state-dir", state, "--"});
        all.insert(all.end(), command.begin(), command.end());
        return start(all);
    }

    // It carries no mark any more: by what it runs, within the group of the test.
    [[nodiscard]] static std::vector<pid_t> hidden() {
        std::vector<pid_t> found;
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            const auto pid = static_cast<pid_t>(std::atol(entry.path().filename().c_str()));
            if (pid > 0 && read_file(entry.path().string() + "/cmdline") == std::string("sleep\0"
                                                                                        "86399",
                                                                                        11) +
                                                                                '\0') {
                found.push_back(pid);
            }
        }
        return found;
    }

    // A run whose supervisor and warden are killed at once, and then a second start.
    void leave_a_hider_and_start_again() {
        const std::string ready = dir.file("ready");
        auto first = run({}, {"sh", "-c", hider, ready});
        ASSERT_TRUE(wait_until([&] { return !read_file(ready).empty() && hidden().size() == 1; },
                               seconds(10)))
            << read_file(console);
        kill_both(first);
        const auto old = hidden();
        ASSERT_EQ(old.size(), 1U) << "nothing was left, so nothing is shown";
        auto second = run({}, {"sh", "-c", hider, dir.file("again")});
        ASSERT_TRUE(wait_until(
            [&] {
                const auto now = hidden();
                return std::any_of(now.begin(), now.end(),
                                   [&](pid_t pid) { return pid != old[0]; });
            },
            seconds(10)))
            << read_file(console);
        left = hidden().size();
        stop(second);
        for (const pid_t pid : hidden())
            ::kill(pid, SIGKILL);
    }

    CgroupPlace place;
    std::size_t left = 0;
};

TEST_F(InACgroup, TheWorkerLivesInAGroupOfTheInstanceWhichGoesWithIt) {
    auto supervisor = run({"--watch", "--stop-timeout", "200ms"}, probe({"--escapee"}));
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    const auto groups = place.instances();
    ASSERT_EQ(groups.size(), 1U);
    for (const auto& seen : living(mark, is_worker_or_escapee)) {
        EXPECT_TRUE(unified_path("/proc", seen.pid).ends_with("/" + groups[0])) << seen.command;
    }
    EXPECT_FALSE(unified_path("/proc", living(mark, is_warden).at(0).pid).ends_with(groups[0]))
        << "the warden has to survive the write that ends the others";
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2));
    EXPECT_EQ(place.instances(), groups);
    stop(supervisor);
    EXPECT_TRUE(place.instances().empty());
}

TEST_F(InACgroup, AKilledSupervisorLeavesNeitherProcessNorGroup) {
    auto supervisor = run({}, probe({"--ignore-term", "--escapee"}));
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    supervisor.signal(SIGKILL);
    ASSERT_TRUE(supervisor.wait(seconds(5)));
    EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, milliseconds(500)));
    EXPECT_TRUE(place.instances().empty());
}

TEST_F(InACgroup, WithBothKilledTheNextStartEndsAlsoWhoHidesFromTagAndLock) {
    leave_a_hider_and_start_again();
    EXPECT_EQ(left, 1U) << "the second worker's own\n" << read_file(console);
    EXPECT_EQ(said("process was left of an earlier run: "), 1) << read_file(console);
    EXPECT_TRUE(place.instances().empty());
}

TEST_F(InACgroup, ControlWithoutTheGroupWhoHidesSurvives) {
    isolation = "subreaper";
    leave_a_hider_and_start_again();
    EXPECT_EQ(left, 2U);
}

// What tries whether a group can be had is a child with all of the supervisor's descriptors, its
// lock among them: for ever in the way, should it outlive a supervisor that is killed just then.
TEST_F(InACgroup, AStartThatIsKilledInItsTrialLeavesNobody) {
    bool in_the_trial = false;
    for (int tries = 0; tries < 200 && !in_the_trial; ++tries) {
        auto supervisor = run({}, probe());
        const auto in_its_group = [&] {
            const auto text = "/proc/" + std::to_string(supervisor.pid()) + "/task/" +
                              std::to_string(supervisor.pid()) + "/children";
            const std::string child = read_file(text);
            return !child.empty() &&
                   read_file("/proc/" + std::to_string(std::atol(child.c_str())) + "/cgroup")
                           .find("oneloop-trial-") != std::string::npos;
        };
        wait_until([&] { return in_its_group() || logged("START") > 0; }, seconds(10));
        supervisor.signal(SIGSTOP);
        wait_until([&] { return state_of(supervisor.pid()) == 'T'; }, seconds(5));
        in_the_trial = in_its_group();
        supervisor.signal(SIGKILL);
        ASSERT_TRUE(supervisor.wait(seconds(5)));
        EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, seconds(5)))
            << "left: " << living(mark).size();
        write_file(log, "");
    }
    ASSERT_TRUE(in_the_trial) << "the moment was never met";
    auto next = run({}, probe());
    EXPECT_TRUE(wait_for_starts(1)) << read_file(console);
    EXPECT_EQ(said("already running"), 0) << read_file(console);
    for (const auto& entry : std::filesystem::directory_iterator(place.path()))
        EXPECT_FALSE(entry.path().filename().string().starts_with("oneloop-trial-")) << entry;
    stop(next);
}

TEST_F(InACgroup, TheWorkersOwnGroupsGoAsWell) {
    const std::string made = dir.file("made");
    auto supervisor =
        run({}, {"sh", "-c",
                 "g=$1$(sed -n 's/^0:://p' /proc/self/cgroup)/inner; mkdir \"$g\" && "
                 "echo $$ > \"$g/cgroup.procs\" && echo done > \"$0\"; exec sleep 86397",
                 made, Cgroups().mount_point("")});
    ASSERT_TRUE(wait_until([&] { return read_file(made) == "done\n"; }, seconds(10)))
        << read_file(console);
    stop(supervisor);
    EXPECT_TRUE(place.instances().empty());
}

// What systemd's Delegate=yes, or a user's own session, gives: a group that belongs to him.
TEST_F(InACgroup, AnOrdinaryUserGetsItByDefaultWhereTheGroupIsHis) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
    for (const char* file : {"", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"})
        ASSERT_EQ(::chown((place.path() + file).c_str(), 65534, 65534), 0);
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    ASSERT_EQ(::chmod(project.c_str(), 0777), 0);
    isolation = "auto";
    auto supervisor = run({}, {"sleep", "86396"},
                          {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"});
    EXPECT_TRUE(wait_until([&] { return said("in a control group: sleep") == 1; }, seconds(10)))
        << read_file(console);
    EXPECT_EQ(place.instances().size(), 1U);
    stop(supervisor);
    EXPECT_TRUE(place.instances().empty());
}

TEST_F(InACgroup, WhereItCantBeHadItIsRefusedWithTheReason) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    ASSERT_EQ(::chmod(project.c_str(), 0777), 0);
    auto supervisor =
        run({}, {"true"}, {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"});
    EXPECT_EQ(supervisor.wait(seconds(10)), (ExitStatus{69, 0}));
    EXPECT_EQ(said("--isolate cgroup can't be had here: mkdir "), 1) << read_file(console);
    EXPECT_EQ(said("Permission denied"), 1);
}

class OutOfMemory : public SupervisorFixture {
  protected:
    // Takes 400 MiB, twice what it may, and uses them.
    const std::vector<std::string> eater = {"/usr/bin/python3", "-c",
                                            "import signal; x = bytearray(b'x') * (400 << 20); "
                                            "signal.pause()"};
};

TEST_F(OutOfMemory, IsNamed) {
    const CgroupPlace v2("");
    const CgroupPlace v1("memory");
    const bool by_v2 = v2.usable() && v2.set("memory.max", "201326592");
    const bool by_v1 = !by_v2 && v1.usable() && v1.set("memory.limit_in_bytes", "201326592");
    if (!by_v2 && !by_v1) GTEST_SKIP() << "no memory controller here that is ours to set";
    auto command = (by_v2 ? v2 : v1).entering();
    command.insert(command.end(), {ONELOOP_SUPERVISOR, "--watch", "--on-crash", "wait", "--isolate",
                                   "subreaper", "--state-dir", state, "--"});
    command.insert(command.end(), eater.begin(), eater.end());
    auto supervisor = start(command);
    EXPECT_TRUE(wait_until(
        [&] { return said("SIGKILL (out of memory: the limit of its control group)") == 1; },
        seconds(30)))
        << read_file(console);
    stop(supervisor);
}

TEST_F(OutOfMemory, ControlAKillByHandIsNotCalledThat) {
    auto supervisor = supervise({"--watch", "--on-crash", "wait"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    ::kill(living(mark, is_worker).at(0).pid, SIGKILL);
    EXPECT_TRUE(wait_until([&] { return said("crashed: SIGKILL after") == 1; }, seconds(10)))
        << read_file(console);
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
