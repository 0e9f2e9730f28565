// worker_state: real processes that can't do anything for it, and ones that can.
#include "supervisor/worker_state.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "tests/support/frozen.h"
#include "tests/support/wait.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using test::FrozenCgroup;
using test::wait_until;

// A process that does nothing, for as long as the object lives.
class Idle {
  public:
    Idle() : pid_(::fork()) {
        if (pid_ == 0) {
            for (;;)
                ::pause();
        }
    }
    ~Idle() { end(); }
    Idle(const Idle&) = delete;
    Idle& operator=(const Idle&) = delete;

    void end() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::kill(pid_, SIGCONT);
        ::waitpid(pid_, nullptr, __WALL);
        pid_ = 0;
    }
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    pid_t pid_;
};

bool becomes(WorkerState& state, pid_t pid, const std::string& why) {
    std::string last;
    const bool found = wait_until(
        [&] {
            last = state.look(pid).why;
            return why.empty() ? last.empty() : last.find(why) != std::string::npos;
        },
        seconds(10));
    if (!found) ADD_FAILURE() << "not \"" << why << "\" but \"" << last << "\"";
    return found;
}

TEST(WorkerState, nothing_holds_a_process_that_runs) {
    const Idle idle;
    WorkerState state;
    EXPECT_EQ(state.look(idle.pid()), Hold{});
    EXPECT_EQ(state.look(::getpid()), Hold{});
    EXPECT_EQ(state.look(0), Hold{});
}

TEST(WorkerState, nor_one_that_is_gone) {
    Idle idle;
    const pid_t pid = idle.pid();
    idle.end();
    WorkerState state;
    EXPECT_EQ(state.look(pid), Hold{});
}

TEST(WorkerState, a_stopped_one) {
    const Idle idle;
    WorkerState state;
    ::kill(idle.pid(), SIGSTOP);
    EXPECT_TRUE(becomes(state, idle.pid(), "stopped"));
    EXPECT_FALSE(state.look(idle.pid()).over);
    ::kill(idle.pid(), SIGCONT);
    EXPECT_TRUE(becomes(state, idle.pid(), ""));
}

TEST(WorkerState, a_debugger_also_while_it_lets_the_worker_run) {
    const Idle idle;
    WorkerState state;
    ASSERT_EQ(::ptrace(PTRACE_SEIZE, idle.pid(), nullptr, nullptr), 0);
    const std::string why = state.look(idle.pid()).why;
    EXPECT_NE(why.find("a debugger has it (pid " + std::to_string(::getpid())), std::string::npos)
        << why;
    EXPECT_NE(why.find("worker_state"), std::string::npos) << "named: " << why;
    ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, idle.pid(), nullptr, nullptr), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(idle.pid(), &status, __WALL), idle.pid());
    EXPECT_FALSE(state.look(idle.pid()).why.empty());
    ASSERT_EQ(::ptrace(PTRACE_DETACH, idle.pid(), nullptr, nullptr), 0);
    EXPECT_TRUE(becomes(state, idle.pid(), ""));
}

TEST(WorkerState, a_debugger_of_one_thread_only) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        // clone(2) instead of a thread of the library's, which a child of fork may not start.
        static std::array<char, 65536> stack;
        const int thread = ::clone(
            [](void*) -> int {
                for (;;)
                    ::pause();
            },
            stack.data() + stack.size() - 16, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, nullptr);
        (void)!::write(pipe[1], &thread, sizeof thread);
        for (;;)
            ::pause();
    }
    int thread = 0;
    ASSERT_EQ(::read(pipe[0], &thread, sizeof thread), static_cast<ssize_t>(sizeof thread));
    ASSERT_GT(thread, 0);
    WorkerState state;
    EXPECT_EQ(state.look(pid), Hold{});
    ASSERT_EQ(::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr), 0);
    EXPECT_NE(state.look(pid).why.find("a debugger has it"), std::string::npos);
    ::kill(pid, SIGKILL);
    ::waitpid(thread, nullptr, __WALL);
    ::waitpid(pid, nullptr, __WALL);
    ::close(pipe[0]);
    ::close(pipe[1]);
}

class WorkerStateFrozen : public testing::TestWithParam<FrozenCgroup::Version> {};

TEST_P(WorkerStateFrozen, one_whose_cgroup_is_frozen) {
    const FrozenCgroup group(GetParam(), "oneloop-test-" + std::to_string(::getpid()));
    if (!group.usable()) GTEST_SKIP() << "no cgroup of this version that can be written to";
    const Idle idle;
    ASSERT_TRUE(group.take(idle.pid()));
    WorkerState state;
    EXPECT_EQ(state.look(idle.pid()), Hold{});
    ASSERT_TRUE(group.freeze(true));
    EXPECT_EQ(state.look(idle.pid()), (Hold{"its cgroup is frozen", false}));
    ASSERT_TRUE(group.freeze(false));
    EXPECT_EQ(state.look(idle.pid()), Hold{});
}

TEST_P(WorkerStateFrozen, one_below_a_frozen_ancestor) {
    const std::string name = "oneloop-test-" + std::to_string(::getpid());
    const FrozenCgroup group(GetParam(), name);
    if (!group.usable()) GTEST_SKIP() << "no cgroup of this version that can be written to";
    const FrozenCgroup below(GetParam(), name + "/below");
    ASSERT_TRUE(below.usable());
    Idle idle;
    ASSERT_TRUE(below.take(idle.pid()));
    WorkerState state;
    ASSERT_TRUE(group.freeze(true));
    EXPECT_EQ(state.look(idle.pid()), (Hold{"its cgroup is frozen", false}));
    ASSERT_TRUE(group.freeze(false));
    EXPECT_EQ(state.look(idle.pid()), Hold{});
    idle.end();
}

INSTANTIATE_TEST_SUITE_P(BothVersions, WorkerStateFrozen,
                         testing::Values(FrozenCgroup::Version::v1, FrozenCgroup::Version::v2));

TEST(WorkerState, who_gives_the_signs_counts_as_well) {
    const Idle worker;
    Idle helper;
    WorkerState state;
    state.sign_from(helper.pid());
    EXPECT_EQ(state.look(worker.pid()), Hold{});
    ::kill(helper.pid(), SIGSTOP);
    const std::string name = "its process " + std::to_string(helper.pid()) + ": it is stopped";
    EXPECT_TRUE(becomes(state, worker.pid(), name));
    // Gone, and so is its number: whoever gets it next is somebody else.
    helper.end();
    EXPECT_EQ(state.look(worker.pid()), Hold{});
    Idle other;
    state.sign_from(other.pid());
    ::kill(other.pid(), SIGSTOP);
    EXPECT_TRUE(becomes(state, worker.pid(), "its process"));
    state.forget();
    EXPECT_EQ(state.look(worker.pid()), Hold{});
}

// The difference between the clock that goes on in a suspended machine and the one that does not.
TEST(WorkerState, a_machine_that_slept_is_told_once) {
    const Idle idle;
    std::chrono::nanoseconds slept = std::chrono::hours(5);  // since it was booted: not ours
    WorkerState state("/proc", [&] { return slept; });
    EXPECT_EQ(state.look(idle.pid()), Hold{});
    slept += std::chrono::milliseconds(400);  // two clocks are not read at one moment
    EXPECT_EQ(state.look(idle.pid()), Hold{});
    slept += seconds(30);
    EXPECT_EQ(state.look(idle.pid()), (Hold{"the machine was suspended", true}));
    EXPECT_EQ(state.look(idle.pid()), Hold{}) << "once";
    // What holds it still goes before what did.
    ::kill(idle.pid(), SIGSTOP);
    EXPECT_TRUE(becomes(state, idle.pid(), "it is stopped"));
    slept += seconds(30);
    EXPECT_FALSE(state.look(idle.pid()).over);
    ::kill(idle.pid(), SIGCONT);
    EXPECT_TRUE(becomes(state, idle.pid(), ""));
    // A generation does not answer for a night before its time.
    slept += std::chrono::hours(8);
    state.forget();
    EXPECT_EQ(state.look(idle.pid()), Hold{});
}

// What no kernel here has: made up, as cgroups(7) and proc(5) describe it.
TEST(WorkerState, hierarchies_as_files) {
    struct Row {
        const char* what;
        const char* mounts;
        const char* cgroup;
        const char* file;  // below the mount point
        const char* content;
        bool frozen;
    };
    const test::TempDir dir;
    const std::string mount = dir.path() + "/mount point";
    const Row rows[] = {
        {"unified, frozen", "1 2 0:3 / @ rw - cgroup2 cgroup2 rw", "0::/a/b", "a/b/cgroup.events",
         "populated 1\nfrozen 1\n", true},
        {"unified, thawed", "1 2 0:3 / @ rw - cgroup2 cgroup2 rw", "0::/a/b", "a/b/cgroup.events",
         "populated 1\nfrozen 0\n", false},
        {"an ancestor is to be frozen", "1 2 0:3 / @ rw shared:1 - cgroup2 cgroup2 rw", "0::/a/b/c",
         "a/cgroup.freeze", "1\n", true},
        {"somebody else's is frozen", "1 2 0:3 / @ rw - cgroup2 cgroup2 rw", "0::/a/b",
         "a/c/cgroup.events", "frozen 1\n", false},
        {"only a part of the hierarchy is mounted", "1 2 0:3 /a @ rw - cgroup2 cgroup2 rw",
         "0::/a/b", "b/cgroup.events", "frozen 1\n", true},
        {"outside of what can be seen", "1 2 0:3 / @ rw - cgroup2 cgroup2 rw", "0::/../x",
         "x/cgroup.events", "frozen 1\n", false},
        {"v1, freezing", "1 2 0:3 / @ rw - cgroup cgroup rw,freezer", "7:cpu,freezer:/a",
         "a/freezer.state", "FREEZING\n", true},
        {"v1, another controller", "1 2 0:3 / @ rw - cgroup cgroup rw,freezer", "7:cpu:/a",
         "a/freezer.state", "FROZEN\n", false},
        {"nothing is mounted", "1 2 0:3 / @ rw - tmpfs tmpfs rw", "0::/a", "a/cgroup.events",
         "frozen 1\n", false},
        {"broken lines", "1 2\n - cgroup2\n1 2 0:3 / @ - cgroup2", "0::\n0\n::::", "cgroup.events",
         "frozen 1\n", true},
    };
    for (const auto& row : rows) {
        fs::remove_all(mount);
        const fs::path file = fs::path(mount) / row.file;
        fs::create_directories(file.parent_path());
        test::write_file(file.string(), row.content);
        std::string mounts = row.mounts;
        std::string escaped = mount;
        escaped.replace(escaped.find(' '), 1, "\\040");
        while (mounts.find('@') != std::string::npos)
            mounts.replace(mounts.find('@'), 1, escaped);
        fs::create_directories(dir.path() + "/proc/self");
        fs::create_directories(dir.path() + "/proc/9");
        test::write_file(dir.path() + "/proc/self/mountinfo", mounts + "\n");
        test::write_file(dir.path() + "/proc/9/cgroup", std::string(row.cgroup) + "\n");
        WorkerState state(dir.path() + "/proc");
        EXPECT_EQ(!state.look(9).why.empty(), row.frozen) << row.what;
    }
}

}  // namespace
}  // namespace oneloop
