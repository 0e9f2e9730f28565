// remote_text: what a person reads of status, why and ps.
#include "supervisor/remote_text.h"

#include <gtest/gtest.h>
#include <time.h>

#include "tests/unit/environment.h"

namespace oneloop::remote_text {
namespace {

class RemoteText : public testing::Test {
  protected:
    RemoteText() { ::tzset(); }

    static control::StatusReport running() {
        control::StatusReport report;
        report.version = "1.2";
        report.instance = "uuid";
        report.lock = "/s/supervisor.lock";
        report.cwd = "/srv/project";
        report.command = {"python3", "app.py"};
        report.supervisor_pid = 4700;
        report.supervisor_since = now - 7200;
        report.isolation = "subreaper";
        report.weaker = {"one thing"};
        report.state = "running";
        report.generation = 18;
        report.worker_pid = 4711;
        report.worker_since = now - 65;
        report.ready = true;
        report.ready_after_ms = 0;
        return report;
    }

    static constexpr std::int64_t now = 1'700'000'000;  // 2023-11-14 22:13:20 UTC
    test::ScopedEnv zone{"TZ", "UTC"};
};

TEST_F(RemoteText, a_status_is_aligned) {
    EXPECT_EQ(status(running(), now),
              "state        running\n"
              "worker       pid 4711, generation 18, since 2023-11-14 22:12:15 (1min 5s ago)\n"
              "command      python3 app.py\n"
              "directory    /srv/project\n"
              "supervisor   pid 4700, since 2023-11-14 20:13:20 (2h 0min ago), version 1.2\n"
              "restarts     0\n"
              "watching     nothing\n"
              "isolation    subreaper\n"
              "weaker       one thing\n"
              "instance     uuid\n"
              "lock         /s/supervisor.lock\n");
}

TEST_F(RemoteText, a_status_with_everything) {
    auto report = running();
    report.weaker.clear();
    report.restarts = 3;
    report.watching = control::Watching{2, 12, 1};
    report.sockets = {{"web", "127.0.0.1:5000", 3}};
    report.last_end = control::End{"worker 4710 crashed: exit 7 after 0.3s", now - 66};
    report.last_restart =
        control::Cause{"change", "app.py (+2 more)", "app.py", 3, false, now - 65};
    const std::string text = status(report, now);
    for (const char* line :
         {"\nlast restart changed: app.py (+2 more), 2023-11-14 22:12:15 (1min 5s ago)\n",
          "\nlast end     worker 4710 crashed: exit 7 after 0.3s\n",
          "\nwatching     files: 12, directories: 2, ignored: 1\n",
          "\nsocket       web 127.0.0.1:5000 -> fd 3\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
    EXPECT_EQ(text.find("weaker"), std::string::npos);
}

TEST_F(RemoteText, states) {
    auto report = running();
    report.paused = true;
    EXPECT_EQ(state(report), "running, paused (0 changes noted)");
    report.held_changes = 1;
    EXPECT_EQ(state(report), "running, paused (1 change noted)");
    report.paused = false;
    report.state = "waiting";
    report.next_try_in_ms = 1549;
    EXPECT_EQ(state(report), "waiting, next try in 1.5s");
    report.next_try_in_ms.reset();
    report.state = "stuck";
    EXPECT_EQ(state(report),
              "stuck: a process does not go after KILL; no second worker is started");
}

TEST_F(RemoteText, why_without_and_with_a_restart) {
    auto report = running();
    EXPECT_EQ(why(report, now), "no restart yet\nnow: worker 4711, generation 18, running\n");
    report.last_restart = control::Cause{"crash", "crashed: SIGSEGV", "", 0, false, now - 3};
    report.last_end = control::End{"worker 4710 crashed: SIGSEGV after 2.0s; restarting", now - 4};
    EXPECT_EQ(why(report, now),
              "crashed: SIGSEGV\n"
              "2023-11-14 22:13:17 (3s ago)\n"
              "before that: worker 4710 crashed: SIGSEGV after 2.0s; restarting\n"
              "now: worker 4711, generation 18, running\n");
    report.last_restart = control::Cause{"change", "the event queue overflowed", "", 0, true, now};
    report.worker_pid = 0;
    report.state = "waiting";
    report.last_end.reset();
    EXPECT_EQ(why(report, now),
              "the event queue overflowed\n2023-11-14 22:13:20 (0s ago)\nnow: waiting\n");
}

TEST_F(RemoteText, what_is_held_back) {
    auto report = running();
    report.held_own_writes = {"gen.py", "sub/a.py"};
    EXPECT_EQ(why(report, now),
              "no restart yet\n"
              "held back: gen.py changed, the worker seems to write it itself\n"
              "held back: sub/a.py changed, the worker seems to write it itself\n"
              "now: worker 4711, generation 18, running\n");
    EXPECT_NE(
        status(report, now)
            .find("\nheld back    gen.py: the worker seems to write it itself; see --ignore\n"),
        std::string::npos);
}

TEST_F(RemoteText, how_the_build_goes) {
    auto report = running();
    EXPECT_EQ(status(report, now).find("\nbuild "), std::string::npos);
    report.build = "build failed: exit 2 after 1.3s";
    EXPECT_NE(status(report, now).find("\nbuild        build failed: exit 2 after 1.3s\n"),
              std::string::npos);
    EXPECT_TRUE(one_line(report).ends_with(", build failed: exit 2 after 1.3s"));
    report.build = "done";
    EXPECT_EQ(one_line(report).find("done"), std::string::npos);
}

TEST_F(RemoteText, a_tree) {
    EXPECT_EQ(tree("/srv: running", {{{10, 0, "supervisor -- x", 70, 5 << 20, 2 << 20, false}, 0},
                                     {{11, 1, "warden", 5, 600 << 10, std::nullopt, true}, 3},
                                     {{123456, 2, "x", 5, 3 << 20, 0, false}, 3}}),
              "/srv: running\n"
              "       PID   GEN        AGE        RSS        PSS  COMMAND\n"
              "        10     -   1min 10s    5.0 MiB    2.0 MiB  supervisor -- x\n"
              "        11     3         5s    600 KiB          -  \\_ warden\n"
              "    123456     3         5s    3.0 MiB      0 KiB     \\_ x\n");
}

TEST_F(RemoteText, ages) {
    const std::pair<std::int64_t, const char*> ages[] = {
        {-5, "0s"},          {0, "0s"},           {59, "59s"},          {60, "1min 0s"},
        {3599, "59min 59s"}, {3600, "1h 0min"},   {86399, "23h 59min"}, {86400, "1d 0h"},
        {90000, "1d 1h"},    {8640000, "100d 0h"}};
    for (const auto& [seconds, text] : ages)
        EXPECT_EQ(age(seconds), text);
}

TEST_F(RemoteText, memories) {
    const std::pair<std::uint64_t, const char*> sizes[] = {
        {0, "0 KiB"},           {1023, "1 KiB"},
        {999 << 10, "999 KiB"}, {1000 << 10, "1.0 MiB"},
        {10 << 20, "10.0 MiB"}, {2048ULL << 20, "2.0 GiB"}};
    for (const auto& [bytes, text] : sizes)
        EXPECT_EQ(memory(bytes), text) << bytes;
}

}  // namespace
}  // namespace oneloop::remote_text
