// A worker that writes into what is watched: the loop is stopped and said, and nothing else is.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class OwnWrites : public SupervisorFixture {
  protected:
    // A program with a slow start that writes a log, a database's side file and the file `name`,
    // and says START when that is done. A second, so that a loaded machine's jitter is a share of
    // it.
    std::vector<std::string> writer_of(const std::string& name) {
        write_file(dir.file("writer.py"),
                   "import os, signal, sys, threading\n"
                   "threading.Event().wait(1)\n"
                   "for name in ['app.log', 'x.db-wal', sys.argv[2]]:\n"
                   "    with open(name, 'a') as file:\n"
                   "        file.write('generation ' + os.environ['ONELOOP_GENERATION'] + '\\n')\n"
                   "with open(sys.argv[1], 'a') as log:\n"
                   "    log.write('START\\n')\n"
                   "while True:\n"
                   "    signal.pause()\n");
        return {"/usr/bin/python3", dir.file("writer.py"), log, name};
    }
    // Until the loop is stopped. Each round takes the program's second.
    [[nodiscard]] bool wait_until_held() const {
        return wait_until([&] { return said("the worker seems to write it itself") >= 1; },
                          seconds(60));
    }
    [[nodiscard]] int starts() const { return said("(generation"); }
    // Quiet for longer than the five seconds after which a change is news again.
    void be_quiet() const {
        const int before = starts();
        let_pass(milliseconds(5500));
        EXPECT_EQ(starts(), before) << "it restarted again\n" << read_file(console);
    }
};

TEST_F(OwnWrites, ALoopIsStoppedAndTheFileNamed) {
    auto supervisor = supervise({"--watch"}, writer_of("gen.py"));
    ASSERT_TRUE(wait_until_held()) << read_file(console);
    EXPECT_LE(starts(), 4) << "at most three restarts\n" << read_file(console);
    EXPECT_EQ(said("gen.py changed 1."), 1) << read_file(console);
    EXPECT_EQ(said("start with: --ignore gen.py   "), 1) << read_file(console);
    EXPECT_EQ(said("app.log") + said("x.db-wal"), 0) << "logs are no change";
    const int stopped_at = starts();
    be_quiet();

    // A person's save of the very file, after the quiet, is news: one restart, and held at once.
    write_file(dir.file("project/gen.py"), "by hand");
    ASSERT_TRUE(wait_until([&] { return starts() == stopped_at + 1; }, seconds(20)));
    ASSERT_TRUE(wait_until([&] { return said("the worker seems to") == 2; }, seconds(20)))
        << read_file(console);
    // Another file is news at any time.
    write_file(source, "2");
    ASSERT_TRUE(wait_until([&] { return starts() == stopped_at + 2; }, seconds(20)))
        << read_file(console);
    ASSERT_TRUE(wait_until([&] { return said("the worker seems to") == 3; }, seconds(20)))
        << read_file(console);
    EXPECT_EQ(starts(), stopped_at + 2);
    stop(supervisor);
}

// The line in the console is to be copied, so it has to work, whatever the file is called.
TEST_F(OwnWrites, TheLineThatIsSuggestedEndsIt) {
    const std::string name = "sub [1]/it's.py";
    ASSERT_EQ(::mkdir(dir.file("project/sub [1]").c_str(), 0700), 0);
    auto first = supervise({"--watch"}, writer_of(name));
    ASSERT_TRUE(wait_until_held()) << read_file(console);
    stop(first);
    const std::string text = read_file(console);
    const std::string before = "start with: ";
    const auto at = text.find(before) + before.size();
    const std::string suggested = text.substr(at, text.find("   (was it you", at) - at);
    EXPECT_EQ(suggested, "--ignore 'sub \\[1\\]/it'\\''s.py'");

    // As a shell reads it.
    write_file(console, "");
    write_file(log, "");
    std::string line = "exec " + std::string(ONELOOP_SUPERVISOR) + " --watch " + suggested +
                       " --state-dir " + state + " --";
    for (const auto& word : writer_of(name))
        line += " \"" + word + "\"";
    auto second = start({"/bin/sh", "-c", line});
    ASSERT_TRUE(wait_for_starts(1, seconds(60))) << read_file(console);
    be_quiet();
    EXPECT_EQ(starts(), 1);
    EXPECT_EQ(said("the worker seems to"), 0);
    stop(second);
}

TEST_F(OwnWrites, StatusAndWhyShowIt) {
    auto supervisor = supervise({"--watch"}, writer_of("gen.py"));
    ASSERT_TRUE(wait_until_held()) << read_file(console);
    const auto ask = [&](const std::vector<std::string>& words) {
        std::vector<std::string> all = {ONELOOP_SUPERVISOR};
        all.insert(all.end(), words.begin(), words.end());
        all.insert(all.end(), {"--state-dir", state});
        const std::string output = dir.file("asked");
        Process process({all, project, {{census_variable, mark}}, output});
        EXPECT_TRUE(process.wait(seconds(30)));
        return read_file(output);
    };
    EXPECT_NE(ask({"status"}).find("\nheld back    gen.py: "), std::string::npos);
    EXPECT_NE(ask({"why"}).find("\nheld back: gen.py "), std::string::npos);
    EXPECT_NE(ask({"why", "--json"}).find("\"held_own_writes\""), std::string::npos);
    // A request is a request.
    const int before = starts();
    ask({"restart"});
    EXPECT_TRUE(wait_until([&] { return starts() == before + 1; }, seconds(20)));
    stop(supervisor);
}

// Whoever edits right after each start, a script for one, is not taken for the worker where the
// kernel names the writer.
TEST_F(OwnWrites, AScriptThatEditsAfterEachStartIsTold) {
    if (!kernel_names_writers()) GTEST_SKIP() << "fanotify(7) names the writer to root only";
    auto supervisor = supervise({"--watch"}, probe());
    for (int round = 1; round <= 10; ++round) {
        ASSERT_TRUE(wait_for_starts(round, seconds(20))) << round << "\n" << read_file(console);
        write_file(source, std::to_string(round));
    }
    ASSERT_TRUE(wait_for_starts(11, seconds(20))) << read_file(console);
    EXPECT_EQ(said("the worker seems to"), 0) << read_file(console);
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
