// What is told beside the log: colours, a bell, a clear terminal, notifications, hooks, and the
// file of events for the worker.
#include <algorithm>

#include "tests/support/asking_fixture.h"
#include "tests/support/shell_on_pty.h"

namespace oneloop::test {
namespace {

constexpr const char* blue = "\x1b[";  // how every colour begins

class Announce : public AskingFixture {
  protected:
    // A program of this name that writes down its arguments, first in PATH.
    [[nodiscard]] std::string fake(const std::string& name) const {
        ::mkdir(dir.file("bin").c_str(), 0700);
        write_file(dir.file("bin/" + name),
                   "#!/bin/sh\nprintf '%s\\n' \"$@\" >> " + dir.file(name + ".log") + "\n");
        ::chmod(dir.file("bin/" + name).c_str(), 0700);
        return dir.file("bin") + ":" + ::getenv("PATH");
    }
    [[nodiscard]] Process with_environment(const std::vector<std::string>& variables,
                                           const std::vector<std::string>& options,
                                           const std::vector<std::string>& command) const {
        std::vector<std::string> all = {"env"};
        all.insert(all.end(), variables.begin(), variables.end());
        all.push_back(ONELOOP_SUPERVISOR);
        all.insert(all.end(), options.begin(), options.end());
        all.insert(all.end(), {"--isolate", isolation, "--state-dir", state, "--"});
        all.insert(all.end(), command.begin(), command.end());
        return start(all);
    }
    [[nodiscard]] std::string line(const std::string& options,
                                   const std::vector<std::string>& command) const {
        std::string text = census_variable + ("=" + mark) + " " + ONELOOP_SUPERVISOR + " " +
                           options + " --state-dir " + state + " --";
        for (const auto& part : command)
            text += " '" + part + "'";
        return text + "\n";
    }
    [[nodiscard]] bool wait_for_file(const std::string& name, const std::string& text,
                                     int times = 1) const {
        return wait_until([&] { return count(read_file(dir.file(name)), text) >= times; },
                          seconds(10));
    }
};

TEST_F(Announce, ColoursAreForTerminalsUnlessToldOtherwise) {
    struct Case {
        std::vector<std::string> environment;
        std::vector<std::string> options;
        bool coloured;
    };
    const std::vector<Case> cases = {
        {{}, {}, false},
        {{}, {"--color", "always"}, true},
        {{"NO_COLOR=1"}, {"--color", "always"}, true},  // what is typed wins
        {{}, {"--color", "never"}, false},
        {{}, {"--color", "always", "--log-format", "json"}, false},
    };
    int number = 0;
    for (const auto& one : cases) {
        write_file(console, "");
        auto supervisor = with_environment(one.environment, one.options, probe());
        ASSERT_TRUE(wait_for_starts(++number));
        ASSERT_TRUE(wait_until([&] { return said("started") >= 1; }, seconds(5)));
        stop(supervisor);
        EXPECT_EQ(said(blue) > 0, one.coloured) << number << read_file(console);
    }
}

TEST_F(Announce, OnATerminalThereAreColoursABellAndAClearScreen) {
    ShellOnPty shell(project);
    shell.type(line("--watch --bell --clear", probe()));
    ASSERT_TRUE(shell.wait_for("(generation 1)")) << shell.screen();
    EXPECT_NE(shell.screen().find("\x1b["), std::string::npos);
    EXPECT_EQ(shell.screen().find('\a'), std::string::npos);
    EXPECT_EQ(shell.screen().find("\x1b[2J"), std::string::npos);
    write_file(source, "2");
    ASSERT_TRUE(shell.wait_for("(generation 2)")) << shell.screen();
    EXPECT_NE(shell.screen().find("\x1b[H\x1b[2J"), std::string::npos);
    for (const auto& seen : living(mark, is_worker))
        ::kill(seen.pid, SIGKILL);
    EXPECT_TRUE(shell.wait_for("\a")) << shell.screen();
    shell.type("\x03");
    ASSERT_TRUE(shell.wait_for("prompt$ "));
    shell.type(line("--color never", probe()));
    ASSERT_TRUE(shell.wait_for("[supervisor] worker "))
        << "not coloured, so one piece" << shell.screen();
    shell.type("\x03");
    ASSERT_TRUE(shell.wait_for("prompt$ "));
}

TEST_F(Announce, ABellAndAClearScreenAreForTerminalsOnly) {
    auto supervisor = supervise({"--watch", "--bell", "--clear"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2));
    for (const auto& seen : living(mark, is_worker))
        ::kill(seen.pid, SIGKILL);
    ASSERT_TRUE(wait_for_starts(3));
    stop(supervisor);
    EXPECT_EQ(said("crashed"), 1);
    EXPECT_EQ(said("\a") + said("\x1b"), 0) << read_file(console);
}

TEST_F(Announce, TheDesktopIsToldOfACrashAndOfTheStartAfterIt) {
    const std::string path = fake("notify-send");
    auto supervisor = with_environment({"PATH=" + path}, {"--watch", "--notify"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2));
    EXPECT_EQ(read_file(dir.file("notify-send.log")), "") << "an edit is no news";
    for (const auto& seen : living(mark, is_worker))
        ::kill(seen.pid, SIGKILL);
    EXPECT_TRUE(wait_for_file("notify-send.log", "crashed: SIGKILL")) << read_file(console);
    EXPECT_TRUE(wait_for_file("notify-send.log", "(generation 3)")) << read_file(console);
    stop(supervisor);
}

TEST_F(Announce, WithoutNotifySendThatIsSaidOnce) {
    ::mkdir(dir.file("empty").c_str(), 0700);
    auto supervisor = with_environment({"PATH=" + dir.file("empty")}, {"--watch", "--notify"},
                                       probe({"--exit", "7"}));
    ASSERT_TRUE(wait_until([&] { return said("waiting for a change") == 1; }, seconds(20)));
    EXPECT_TRUE(wait_until([&] { return said("no notifications: notify-send not started") == 1; },
                           seconds(5)))
        << read_file(console);
    stop(supervisor);
    EXPECT_EQ(said("no notifications"), 1) << read_file(console);
}

TEST_F(Announce, EachEventRunsItsHookWithWhatHappened) {
    std::vector<std::string> options = {"--watch", "--build", "! grep -q bad app.py"};
    for (const std::string event : {"start", "restart", "crash", "stop", "build-failed"}) {
        options.insert(options.end(), {"--hook", event + "=echo $1 $2 $3 >> ../hooks.log"});
    }
    auto supervisor = supervise(options, probe());
    ASSERT_TRUE(wait_for_starts(1));
    const auto worker = living(mark, is_worker).at(0);
    ASSERT_TRUE(wait_for_file("hooks.log", "start " + std::to_string(worker.pid) + " worker "));
    write_file(source, "bad");
    ASSERT_TRUE(wait_for_file("hooks.log", "build-failed " + std::to_string(worker.pid)));
    write_file(source, "good");
    ASSERT_TRUE(wait_for_file("hooks.log", "restart "));
    ASSERT_TRUE(wait_for_starts(2));  // killed before, it would have left no START to count
    for (const auto& seen : living(mark, is_worker))
        ::kill(seen.pid, SIGKILL);
    ASSERT_TRUE(wait_for_file("hooks.log", "crash ")) << read_file(console);
    ASSERT_TRUE(wait_for_starts(3));
    EXPECT_EQ(count(read_file(dir.file("hooks.log")), "stop "), 0);
    stop(supervisor);
    EXPECT_EQ(count(read_file(dir.file("hooks.log")), "stop "), 1) << read_file(console);
}

TEST_F(Announce, AHookThatHangsHoldsNothingUpAndEndsWithTheSupervisor) {
    auto supervisor =
        supervise({"--watch", "--hook", "start=setsid sleep 1000 & sleep 1000"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    const auto is_sleeper = [](const Seen& seen) { return seen.command.find("sleep 1000") == 0; };
    ASSERT_TRUE(wait_until([&] { return living(mark, is_sleeper).size() == 2; }, seconds(10)));
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(living(mark, is_sleeper).size(), 2U) << "the restart did not wait for it";
    stop(supervisor);
    EXPECT_TRUE(living(mark).empty());
}

TEST_F(Announce, AHookThatTakesTooLongIsEnded) {
    auto supervisor = supervise({"--hook", "start=sleep 1000"}, probe());
    ASSERT_TRUE(wait_until([&] { return said("hook start took too long") == 1; }, seconds(30)))
        << read_file(console);
    stop(supervisor);
}

TEST_F(Announce, TheLastHookIsGivenTwoSecondsAndNoMore) {
    auto supervisor = supervise({"--hook", "stop=sleep 1000"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    const auto begin = std::chrono::steady_clock::now();
    stop(supervisor);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(1900));
}

// Whatever happens meanwhile: a file that it writes itself, an edit, another TERM.
TEST_F(Announce, TheLastHookIsRunOnceAndToItsEnd) {
    auto supervisor =
        supervise({"--watch", "--hook",
                   "stop=echo begin >> ../hooks.log; echo by the hook > app.py; "
                   "while ! test -e ../may-end; do sleep 0.01; done; echo end >> ../hooks.log"},
                  probe());
    ASSERT_TRUE(wait_for_starts(1));
    supervisor.signal(SIGTERM);
    ASSERT_TRUE(wait_for_file("hooks.log", "begin")) << read_file(console);
    write_file(source, "by a person");
    supervisor.signal(SIGTERM);
    EXPECT_FALSE(wait_until([&] { return count(read_file(dir.file("hooks.log")), "begin") > 1; },
                            milliseconds(500)));
    write_file(dir.file("may-end"), "");
    const auto status = supervisor.wait(seconds(15));
    EXPECT_EQ(status, (ExitStatus{0, SIGTERM})) << read_file(console);
    EXPECT_EQ(read_file(dir.file("hooks.log")), "begin\nend\n");
    EXPECT_EQ(said("changed") + said("restarting"), 0) << read_file(console);
}

TEST_F(Announce, NothingOfAHookOutlivesAKilledSupervisor) {
    auto supervisor = supervise({"--hook", "start=setsid sleep 1000 & sleep 1000"}, probe());
    const auto is_sleeper = [](const Seen& seen) { return seen.command.find("sleep 1000") == 0; };
    ASSERT_TRUE(wait_until([&] { return living(mark, is_sleeper).size() == 2; }, seconds(10)));
    supervisor.signal(SIGKILL);
    EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, seconds(5)));
}

TEST_F(Announce, AHookHasNothingOfAWorkers) {
    auto supervisor =
        supervise({"--socket", "127.0.0.1:0", "--hook",
                   "start=env > ../hook.env; ls -l /proc/self/fd > ../hook.fds; echo > ../done"},
                  probe());
    ASSERT_TRUE(wait_for_file("done", "\n")) << read_file(console);
    for (const char* variable : {"LISTEN_", "ONELOOP_RUN", "ONELOOP_LOCK", "ONELOOP_EVENTS"})
        EXPECT_EQ(count(read_file(dir.file("hook.env")), variable), 0) << variable;
    for (const char* what : {"socket:", "inotify", "worker.lock", "supervisor.lock"})
        EXPECT_EQ(count(read_file(dir.file("hook.fds")), what), 0) << what;
    stop(supervisor);
}

TEST_F(Announce, AFailingHookIsNamedAndNoMore) {
    auto supervisor = supervise({"--hook", "start=exit 9"}, probe());
    ASSERT_TRUE(wait_until([&] { return said("hook start failed: exit 9") == 1; }, seconds(10)))
        << read_file(console);
    EXPECT_EQ(living(mark, is_worker).size(), 1U);
    stop(supervisor);
}

TEST_F(Announce, TheWorkerReadsWhatItWasRestartedFor) {
    const auto command = probe();
    std::string script = "cat \"$ONELOOP_EVENTS_FILE\" >> ../seen; echo --- >> ../seen; exec";
    for (const auto& part : command)
        script += " '" + part + "'";
    write_file(dir.file("project/b.py"), "");
    auto supervisor = supervise({"--watch", "--events-file", "events.jsonl"}, {"sh", "-c", script});
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    EXPECT_EQ(read_file(dir.file("seen")), "{\"event\":\"start\"}\n---\n");
    // Between the two writes a whole worker may come and go, which has then read of the first one.
    ask("pause");
    write_file(source, "2");
    write_file(dir.file("project/b.py"), "2");
    ASSERT_TRUE(
        wait_until([&] { return count(ask("status"), "(2 changes noted)") == 1; }, seconds(10)))
        << read_file(console);
    ask("resume");
    ASSERT_TRUE(wait_for_starts(2));
    const std::string seen = read_file(dir.file("seen"));
    EXPECT_EQ(count(seen, "{\"event\":\"change\",\"path\":\"app.py\"}\n"), 1) << seen;
    EXPECT_EQ(count(seen, "{\"event\":\"change\",\"path\":\"b.py\"}\n"), 1) << seen;
    supervisor.signal(SIGUSR1);
    ASSERT_TRUE(wait_for_starts(3));
    EXPECT_EQ(count(read_file(dir.file("seen")), "{\"event\":\"request\""), 1);
    stop(supervisor);
    EXPECT_EQ(said("events.jsonl"), 0) << "what we write is no change" << read_file(console);
    EXPECT_EQ(logged("START"), 3);
}

TEST_F(Announce, AnUnknownEventIsRefused) {
    auto supervisor = supervise({"--hook", "starting=true"}, probe());
    const auto status = supervisor.wait(seconds(5));
    ASSERT_TRUE(status);
    EXPECT_EQ(status->code, 64);
    EXPECT_EQ(said("the events are start, restart, crash, stop, build-failed"), 1);
}

}  // namespace
}  // namespace oneloop::test
