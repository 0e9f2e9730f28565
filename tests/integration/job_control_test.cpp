// The supervisor as a job of a real shell: keys, Ctrl-Z, fg, bg and &, and the terminal handed to
// the worker and taken back.

#include "tests/support/shell_on_pty.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

constexpr const char* control_c = "\x03";
constexpr const char* control_z = "\x1a";

class JobControl : public SupervisorFixture {
  protected:
    // Typed as a person does. `options` of the supervisor, then its command.
    std::string line(const std::string& options, const std::string& command) const {
        return std::string(census_variable) + "=" + mark + " " + ONELOOP_SUPERVISOR +
               " --state-dir " + state + " " + options + " -- " + command;
    }
    std::string probe_line(const std::string& options) const {
        return line(options, std::string(ONELOOP_PROBE_WORKER) + " --log " + log);
    }
    std::string python(const std::string& text) const {
        write_file(dir.file("program.py"), text);
        return "python3 -u " + dir.file("program.py");
    }

    // 'R', 'S', 'T', … of the only live process whose command line begins so; 0: there is none.
    char state_of(const std::string& beginning) const {
        const auto found =
            living(mark, [&](const Seen& seen) { return seen.command.find(beginning) == 0; });
        if (found.size() != 1) return 0;
        const std::string text = read_file("/proc/" + std::to_string(found[0].pid) + "/stat");
        const auto name_end = text.rfind(')');
        return name_end == std::string::npos ? char(0) : text[name_end + 2];
    }
    bool wait_for_state(const std::string& beginning, bool stopped) const {
        return wait_until([&] { return (state_of(beginning) == 'T') == stopped; }, seconds(10));
    }

    static constexpr const char* worker = ONELOOP_PROBE_WORKER;
    static constexpr const char* supervisor = ONELOOP_SUPERVISOR;
};

TEST_F(JobControl, KeysRestartPauseShowAndQuit) {
    ShellOnPty shell(project);
    shell.type(probe_line("--watch") + "\n");
    ASSERT_TRUE(shell.wait_for("type rs to restart")) << shell.screen();
    ASSERT_TRUE(wait_for_starts(1)) << shell.screen();
    shell.type("rs\n");
    EXPECT_TRUE(wait_for_starts(2)) << shell.screen();
    shell.type("s\n");
    EXPECT_TRUE(shell.wait_for("generation 2")) << shell.screen();
    shell.type("p\n");
    EXPECT_TRUE(shell.wait_for("paused by a key")) << shell.screen();
    shell.type("p\n");
    EXPECT_TRUE(shell.wait_for("resumed by a key")) << shell.screen();
    shell.type("what\n");
    EXPECT_TRUE(shell.wait_for("type rs to restart")) << shell.screen();
    shell.type("q\n");
    EXPECT_TRUE(shell.wait_for("prompt$ ")) << shell.screen();
    shell.type("echo code=$?\n");
    EXPECT_TRUE(shell.wait_for("code=0")) << shell.screen();
    EXPECT_EQ(logged("START"), 2);
}

TEST_F(JobControl, ControlZStopsBothAndFgGoesOn) {
    ShellOnPty shell(project);
    shell.type(probe_line("") + "\n");
    ASSERT_TRUE(wait_for_starts(1)) << shell.screen();
    shell.type(control_z);
    EXPECT_TRUE(shell.wait_for("Stopped")) << shell.screen();
    EXPECT_TRUE(wait_for_state(worker, true));
    EXPECT_EQ(state_of(supervisor), 'T');
    shell.type("fg\n");
    EXPECT_TRUE(wait_for_state(worker, false));
    EXPECT_TRUE(wait_for_state(supervisor, false));
    shell.type("rs\n");
    EXPECT_TRUE(wait_for_starts(2)) << shell.screen();
    shell.type(control_c);
    EXPECT_TRUE(shell.wait_for("prompt$ ")) << shell.screen();
    EXPECT_EQ(logged("STOP"), 2);
}

// Control to the above: a signal that no handler takes stops the supervisor, and the worker goes
// on.
TEST_F(JobControl, AStopFromElsewhereLeavesTheWorkerAlone) {
    ShellOnPty shell(project);
    shell.type(probe_line("") + "\n");
    ASSERT_TRUE(wait_for_starts(1)) << shell.screen();
    const auto found =
        living(mark, [](const Seen& seen) { return seen.command.find(supervisor) == 0; });
    ASSERT_EQ(found.size(), 1U);
    ::kill(found[0].pid, SIGSTOP);
    EXPECT_TRUE(wait_for_state(supervisor, true));
    EXPECT_NE(state_of(worker), 'T');
    shell.type("fg\n");
    EXPECT_TRUE(wait_for_state(supervisor, false));
    EXPECT_EQ(logged("START"), 1);
}

TEST_F(JobControl, InTheBackgroundItLeavesTheTerminalToTheShell) {
    ShellOnPty shell(project);
    shell.type(probe_line("") + " &\n");
    ASSERT_TRUE(wait_for_starts(1)) << shell.screen();
    // Not a key: the shell reads it.
    shell.type("rs\n");
    EXPECT_TRUE(shell.wait_for("rs: command not found")) << shell.screen();
    EXPECT_NE(state_of(supervisor), 'T');
    shell.type("fg\n");
    ASSERT_TRUE(shell.wait_for(supervisor)) << shell.screen();
    shell.type("rs\n");
    EXPECT_TRUE(wait_for_starts(2)) << shell.screen();
    // And back again, with the worker at work.
    shell.type(control_z);
    EXPECT_TRUE(shell.wait_for("Stopped")) << shell.screen();
    shell.type("bg\n");
    EXPECT_TRUE(wait_for_state(worker, false));
    shell.type("echo still-$((40 + 2))\n");
    EXPECT_TRUE(shell.wait_for("still-42")) << shell.screen();
    EXPECT_EQ(logged("START"), 2);
}

TEST_F(JobControl, TheWorkerIsHandedTheTerminalAndPdbWorks) {
    ShellOnPty shell(project);
    const auto program = python("import pdb\nx = 41\npdb.set_trace()\nprint('after', x)\n");
    shell.type(line("--watch --stdin worker", program) + "\n");
    ASSERT_TRUE(shell.wait_for("(Pdb) ")) << shell.screen();
    shell.type("p x + 1\n");
    EXPECT_TRUE(shell.wait_for("42")) << shell.screen();
    shell.type(control_z);
    EXPECT_TRUE(shell.wait_for("Stopped")) << shell.screen();
    shell.type("fg\n");
    ASSERT_TRUE(shell.wait_for("python3 -u")) << shell.screen();
    shell.type("p x + 2\n");
    EXPECT_TRUE(shell.wait_for("43")) << shell.screen();
    // Ctrl-C is the debugger's, and ends neither. Python notes one that comes between its prompt
    // and its select(2) and raises it with the next key: so that key is another.
    const auto interrupted = [&] {
        shell.type(control_c);
        return shell.wait_for("KeyboardInterrupt", seconds(1));
    };
    EXPECT_TRUE(wait_until(interrupted, seconds(10))) << shell.screen();
    shell.type("c\n");
    EXPECT_TRUE(shell.wait_for("waiting for a change")) << shell.screen();
    // Nobody has the terminal now but us.
    shell.type(control_c);
    EXPECT_TRUE(shell.wait_for("prompt$ ")) << shell.screen();
}

TEST_F(JobControl, ControlCOnItsTerminalEndsAWorkerThatDiesOfIt) {
    ShellOnPty shell(project);
    shell.type(line("--watch --stdin worker", python("import signal\nprint('it-' + 'is-up')\n"
                                                     "while True: signal.pause()\n")) +
               "\n");
    ASSERT_TRUE(shell.wait_for("it-is-up")) << shell.screen();
    shell.type(control_c);
    EXPECT_TRUE(shell.wait_for("prompt$ ")) << shell.screen();
    shell.type("echo code=$?\n");
    EXPECT_TRUE(shell.wait_for("code=130")) << shell.screen();
}

TEST_F(JobControl, ABackgroundWorkerThatWantsTheTerminalWaitsForFg) {
    ShellOnPty shell(project);
    shell.type(line("--stdin worker", python("print('got', input())\n")) + " &\n");
    // Written by the shell when the job changes its state, at the next prompt.
    ASSERT_TRUE(wait_for_state(supervisor, true)) << shell.screen();
    shell.type("\n");
    EXPECT_TRUE(shell.wait_for("Stopped")) << shell.screen();
    shell.type("fg\n");
    EXPECT_TRUE(wait_for_state(supervisor, false));
    shell.type("this\n");
    EXPECT_TRUE(shell.wait_for("got this")) << shell.screen();
}

TEST_F(JobControl, ModesAreRestoredAfterACrashAndAfterAKill) {
    ShellOnPty shell(project);
    const auto program = python(
        "import tty, signal\ntty.setraw(0)\nprint('it-' + 'is-raw')\n"
        "while True: signal.pause()\n");
    shell.type(line("--watch --stdin worker", program) + "\n");
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(shell.wait_for("it-is-raw")) << shell.screen();
        EXPECT_FALSE(shell.is_cooked());  // the measure can tell
        const auto found = living(mark, [](const Seen& seen) {
            return seen.command.find("python3 -u") != std::string::npos &&
                   seen.command.find(supervisor) != 0 && !is_warden(seen);
        });
        ASSERT_EQ(found.size(), 1U);
        shell.type("");
        ::kill(found[0].pid, SIGKILL);
        ASSERT_TRUE(shell.wait_for("crashed")) << shell.screen();
        if (round == 2) break;
    }
    ASSERT_TRUE(shell.wait_for("waiting for a change")) << shell.screen();
    EXPECT_TRUE(shell.is_cooked());
    shell.type(control_c);
    EXPECT_TRUE(shell.wait_for("prompt$ ")) << shell.screen();
    EXPECT_TRUE(shell.is_cooked());
}

class StandardInput : public SupervisorFixture {
  protected:
    // The supervisor below a shell that holds its standard input open until a line comes.
    [[nodiscard]] Process below_a_pipe(const std::string& options) const {
        const std::string gate = dir.file("gate");
        EXPECT_EQ(::mkfifo(gate.c_str(), 0600), 0);
        return start({"sh", "-c",
                      "exec " + std::string(ONELOOP_SUPERVISOR) + " --state-dir " + state + " " +
                          options + " -- " + ONELOOP_PROBE_WORKER + " --log " + log + " < " +
                          gate});
    }
};

TEST_F(StandardInput, ItsEndStopsWhenAskedTo) {
    auto supervisor = below_a_pipe("--stdin-quit");
    UniqueFd gate(::open(dir.file("gate").c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(wait_for_starts(1));
    ASSERT_EQ(::write(gate.get(), "rs\n", 3), 3);  // no terminal, no keys
    gate.reset();
    EXPECT_EQ(supervisor.wait(seconds(15)), (ExitStatus{0, 0})) << read_file(console);
    EXPECT_EQ(logged("STOP"), 1);
    EXPECT_EQ(logged("START"), 1);
}

TEST_F(StandardInput, ItsEndIsNothingOtherwise) {
    auto supervisor = below_a_pipe("--watch");
    UniqueFd gate(::open(dir.file("gate").c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(wait_for_starts(1));
    gate.reset();
    write_file(source, "2");
    EXPECT_TRUE(wait_for_starts(2));
    stop(supervisor);
}

TEST_F(StandardInput, WithoutATerminalTheWorkerGetsItAsItIs) {
    auto supervisor = start({"sh", "-c",
                             "echo from-the-pipe | " + std::string(ONELOOP_SUPERVISOR) +
                                 " --on-exit exit --stdin worker --state-dir " + state +
                                 " -- sh -c 'read word; echo got=$word'"});
    EXPECT_EQ(supervisor.wait(seconds(15)), (ExitStatus{0, 0}));
    EXPECT_EQ(said("got=from-the-pipe"), 1) << read_file(console);
}

}  // namespace
}  // namespace oneloop::test
