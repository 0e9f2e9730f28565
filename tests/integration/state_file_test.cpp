// The real worker and a state file that can't be written, or can't be read.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "common/unique_fd.h"
#include "tests/support/private_mounts.h"
#include "tests/support/worker_fixture.h"

namespace oneloop {
namespace {

using namespace std::chrono_literals;
using test::limit;
using test::wait_until;
using test::WorkerTest;
using testing::HasSubstr;

class StateFileTest : public WorkerTest {
  protected:
    // With a channel that appends a line to a file for each message.
    std::string with_note(const std::string& state) {
        const std::string path = config("a");
        std::string text = test::read_file(path);
        text.replace(text.find("\"a.db\""), 6, "\"" + state + "\"");
        text.insert(text.find("dates = "), "channels = [\"note\"]\n");
        text +=
            "[[channel]]\nid = \"note\"\nkind = \"exec\"\nretry = \"100ms..1s\"\ncommand = "
            "[\"tee\", \"-a\", \"" +
            dir_.file("note") + "\"]\nbody = \"{subject} {items}\"\n";
        test::write_file(path, text);
        return path;
    }
    int told() {
        const std::string text = test::read_file(dir_.file("note"));
        int count = 0;
        for (auto at = text.find("[oneloop]"); at != std::string::npos;
             at = text.find("[oneloop]", at + 1))
            ++count;
        return count;
    }
};

TEST_F(StateFileTest, OnAFullDiskPollsGoOnAlertsWaitAndTheStatusSaysSo) {
    if (const std::string problem = test::private_mounts(); !problem.empty())
        GTEST_SKIP() << problem;
    const std::string disk = dir_.file("disk");
    ::mkdir(disk.c_str(), 0700);
    ASSERT_EQ(::mount("none", disk.c_str(), "tmpfs", 0, "size=1m,mode=700"), 0);
    simulator_.set_mode("closed");
    {
        const Worker worker = serving({"--standalone", "--config", with_note("disk/a.db")});
        ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 1; }, limit)) << worker.output();
        {
            const UniqueFd file(
                ::open((disk + "/fill").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
            const std::string page(4096, 'x');
            while (::write(file.get(), page.data(), page.size()) > 0) {
            }
            ASSERT_EQ(errno, ENOSPC);
        }
        simulator_.set_mode("open");
        ASSERT_TRUE(wait_until(
            [&] {
                const std::string status = worker.status();
                return status.find("\"writable\":false") != std::string::npos &&
                       status.find("\"open\":true") != std::string::npos;
            },
            limit))
            << worker.status();
        const long before = simulator_.counter("total");
        ASSERT_TRUE(wait_until([&] { return simulator_.counter("total") >= before + 4; }, limit));
        EXPECT_EQ(test::http_get(worker.port(), "/healthz").code, 200);
        EXPECT_THAT(worker.output(), HasSubstr("polls go on, alerts wait: "));
        EXPECT_EQ(told(), 0);
        std::filesystem::remove(disk + "/fill");
        ASSERT_TRUE(wait_until([&] { return told() == 1; }, limit)) << worker.output();
        ASSERT_TRUE(wait_until(
            [&] { return worker.status().find("\"writable\":true") != std::string::npos; }, limit));
        EXPECT_THAT(worker.output(), HasSubstr("the state file can be written again"));
        const long ticks = worker.ticks();
        ASSERT_TRUE(wait_until([&] { return worker.ticks() >= ticks + 3; }, limit));
        EXPECT_EQ(told(), 1);
    }
    ::umount2(disk.c_str(), MNT_DETACH);
}

TEST_F(StateFileTest, ADamagedOneIsSetAsideByNameAndToldOnce) {
    const std::string file = with_note("a.db");
    const std::string garbage(20'000, '\xA5');
    test::write_file(dir_.file("a.db"), garbage);
    std::string aside;
    {
        const Worker worker = serving({"--standalone", "--config", file});
        ASSERT_TRUE(wait_until([&] { return told() == 1; }, limit)) << worker.output();
        const std::string said = worker.output();
        EXPECT_THAT(said, HasSubstr("set aside as " + dir_.file("a.db.set-aside-")));
        const auto from = said.find(dir_.file("a.db.set-aside-"));
        aside = said.substr(from, said.find_first_of(", \n", from) - from);
        ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 3; }, limit));
    }
    EXPECT_EQ(test::read_file(aside), garbage);
    EXPECT_THAT(test::read_file(dir_.file("note")), HasSubstr("a.db.set-aside-"));
    const Worker again = serving({"--standalone", "--config", file});
    ASSERT_TRUE(wait_until([&] { return again.ticks() >= 5; }, limit));
    EXPECT_EQ(told(), 1) << "and no more";
}

// Another program's, which has it open and goes on writing: nothing of it is renamed, made or lost.
TEST_F(StateFileTest, ADatabaseThatAnotherProgramHasOpenIsLeftToIt) {
    const std::string file = with_note("a.db");
    const std::string path = dir_.file("a.db");
    const auto beside = [&] {
        std::set<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
            const std::string name = entry.path().filename();
            const bool ours = name == "a.db.lock" || name == "a.db.token";
            if (name.starts_with("a.db") && !ours) names.insert(name);
        }
        return names;
    };
    ASSERT_EQ(::mkfifo(dir_.file("go").c_str(), 0600), 0);
    test::Process other({{"/usr/bin/python3", "-uc",
                          "import sqlite3,sys; c=sqlite3.connect(sys.argv[1])\n"
                          "c.execute('PRAGMA journal_mode=WAL')\n"
                          "c.execute('CREATE TABLE mine (x)'); c.commit(); print('open')\n"
                          "open(sys.argv[2]).read()\n"
                          "c.execute('INSERT INTO mine VALUES (5)'); c.commit(); c.close()\n"
                          "c=sqlite3.connect(sys.argv[1])\n"
                          "print('count', c.execute('SELECT count(*) FROM mine').fetchone()[0])",
                          path, dir_.file("go")},
                         "",
                         {},
                         dir_.file("other")});
    ASSERT_TRUE(wait_until([&] { return other.output().find("open") != std::string::npos; }, limit))
        << other.output();
    const auto before = beside();
    for (const char* how : {"--standalone", "--once"}) {
        Worker refused = start({how, "--config", file});
        EXPECT_EQ(refused.process.wait(limit), (ExitStatus{exit_config, 0})) << refused.output();
        EXPECT_THAT(refused.output(),
                    HasSubstr("worker: " + path +
                              ": a SQLite database of another program, left as "
                              "it is; give another `state`, or, when nobody uses it, set it aside: "
                              "mv -n " +
                              path + " " + path + ".set-aside"));
        EXPECT_EQ(beside(), before) << how;
    }
    EXPECT_EQ(simulator_.counter("total"), 0);
    test::write_file(dir_.file("go"), "");
    EXPECT_EQ(other.wait(limit), ExitStatus{});
    EXPECT_THAT(other.output(), HasSubstr("count 1"));
    // The way out that was named.
    std::filesystem::rename(path, path + ".set-aside");
    Worker polls = start({"--once", "--config", file});
    EXPECT_EQ(polls.process.wait(limit), ExitStatus{}) << polls.output();
    EXPECT_EQ(told(), 1);
}

// Who only looks changes nothing.
TEST_F(StateFileTest, ALookAtADamagedOneLeavesItAlone) {
    const std::string file = with_note("a.db");
    const std::string garbage(20'000, '\xA5');
    test::write_file(dir_.file("a.db"), garbage);
    Worker look = start({"--outbox", "--config", file});
    EXPECT_EQ(look.process.wait(limit), (ExitStatus{exit_config, 0})) << look.output();
    EXPECT_EQ(test::read_file(dir_.file("a.db")), garbage);
}

}  // namespace
}  // namespace oneloop
