// The supervisor on a terminal: a pty of the test's own, as a terminal emulator holds it.
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "common/exec_pointers.h"
#include "common/unique_fd.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class OnATerminal : public SupervisorFixture {
  protected:
    // The supervisor in the foreground of a new terminal, as a shell would start it.
    void open(const std::vector<std::string>& wishes) {
        const auto command = probe(wishes);
        std::vector<std::string> all = {ONELOOP_SUPERVISOR, "--state-dir", state, "--"};
        all.insert(all.end(), command.begin(), command.end());
        const auto argv = exec_pointers(all);
        int master = -1;
        pid = ::forkpty(&master, nullptr, nullptr, nullptr);
        ASSERT_GE(pid, 0);
        if (pid == 0) {
            ::setenv(census_variable, mark.c_str(), 1);
            ::execv(argv[0], argv.data());
            ::_exit(121);
        }
        terminal.reset(master);
        ::fcntl(master, F_SETFL, O_NONBLOCK);
        ASSERT_TRUE(wait_for_starts(1));
    }

    void type(const std::string& keys) const {
        ASSERT_EQ(::write(terminal.get(), keys.data(), keys.size()),
                  static_cast<ssize_t>(keys.size()));
    }

    // None when it still runs after `limit`.
    std::optional<ExitStatus> end(milliseconds limit) {
        std::optional<ExitStatus> status;
        wait_until(
            [&] {
                char drain[4096];
                while (terminal && ::read(terminal.get(), drain, sizeof drain) > 0) {
                }
                int raw = 0;
                if (::waitpid(pid, &raw, WNOHANG) == pid)
                    status = ExitStatus::from_wait_status(raw);
                return status.has_value();
            },
            limit);
        return status;
    }

    pid_t pid = 0;
    UniqueFd terminal;
};

TEST_F(OnATerminal, ControlCReachesTheWorkerOnceAndEndsBoth) {
    open({"--stop-takes", "100"});
    type("\x03");
    EXPECT_EQ(end(seconds(5)), (ExitStatus{0, SIGINT}));
    EXPECT_EQ(logged("STOP"), 1);
    EXPECT_TRUE(living(mark).empty());
}

TEST_F(OnATerminal, ControlCTwiceKillsAtOnce) {
    open({"--ignore-term", "--escapee"});
    type("\x03");
    let_pass(milliseconds(100));
    type("\x03");
    EXPECT_EQ(end(seconds(1)), (ExitStatus{0, SIGINT}));
    EXPECT_TRUE(living(mark).empty());
}

TEST_F(OnATerminal, AClosedTerminalEndsEverything) {
    open({});
    terminal.reset();
    EXPECT_EQ(end(seconds(5)), (ExitStatus{0, SIGHUP}));
    EXPECT_EQ(logged("STOP"), 1);
    EXPECT_TRUE(living(mark).empty());
}

// Without a terminal a service manager sends it, and means a reload.
TEST_F(OnATerminal, WithoutOneAHangUpRestarts) {
    auto supervisor = Process({{"setsid", "--wait", ONELOOP_SUPERVISOR, "--state-dir", state, "--",
                                ONELOOP_PROBE_WORKER, "--log", log},
                               project,
                               {{census_variable, mark}},
                               console});
    ASSERT_TRUE(wait_for_starts(1));
    const auto own =
        living(mark, [](const Seen& seen) { return seen.command.find(ONELOOP_SUPERVISOR) == 0; });
    ASSERT_EQ(own.size(), 1U);
    ::kill(own[0].pid, SIGHUP);
    EXPECT_TRUE(wait_for_starts(2));
    ::kill(own[0].pid, SIGTERM);
    EXPECT_TRUE(supervisor.wait(seconds(5)));
}

}  // namespace
}  // namespace oneloop::test
