// --ready with real workers: ready when it is and not before, failed when it is not in time, and
// who may say so.
#include <dirent.h>

#include "tests/support/vitals_fixture.h"

namespace oneloop::test {
namespace {

// A way to be ready, and a probe worker that is once `go` exists.
struct Way {
    std::vector<std::string> options;
    std::vector<std::string> wishes;
};

class Ready : public VitalsFixture {
  protected:
    [[nodiscard]] std::vector<Way> ways() const {
        return {{{"--ready", "notify"}, {"--ready-when", go}},
                {{"--ready", "socket", "--socket", "web=127.0.0.1:0"}, {"--serve-when", go}},
                {{"--ready", "http:/healthz", "--socket", "web=127.0.0.1:0"},
                 {"--serve-when", "/", "--healthy-when", go}}};
    }
    // Of the next way: as if nothing had been.
    void forget() const {
        for (const auto& file : {go, log, console, intervals})
            ::unlink(file.c_str());
    }
};
INSTANTIATE_TEST_SUITE_P(Isolation, Ready, testing::Values("subreaper", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(Ready, EachWayWhenItIsAndNotBefore) {
    for (const auto& way : ways()) {
        SCOPED_TRACE(way.options[1]);
        auto supervisor = supervise(way.options, probe(way.wishes));
        ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
        EXPECT_FALSE(wait_for("ready in", 1, milliseconds(500))) << read_file(console);
        const auto before = status();
        EXPECT_EQ(before["state"], "running");
        EXPECT_EQ(before["ready"], false);
        EXPECT_TRUE(before["ready_after_ms"].is_null());
        EXPECT_NE(status_text().find("ready        not yet"), std::string::npos);

        write_file(go, "");
        ASSERT_TRUE(wait_for("ready in")) << read_file(console);
        const auto after = status();
        EXPECT_EQ(after["ready"], true);
        EXPECT_GE(after["ready_after_ms"], 500);
        EXPECT_EQ(after["worker"]["pid"], before["worker"]["pid"]);
        EXPECT_NE(status_text().find("ready        after "), std::string::npos);

        // The next generation begins anew.
        ::unlink(go.c_str());
        supervisor.signal(SIGUSR1);
        ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
        EXPECT_EQ(status()["ready"], false);
        write_file(go, "");
        EXPECT_TRUE(wait_for("ready in", 2)) << read_file(console);
        stop(supervisor);
        forget();
    }
}

TEST_P(Ready, WithoutAConditionItIsAtOnceAndNobodyIsTold) {
    auto supervisor = supervise({}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    ASSERT_TRUE(wait_for("started"));
    const auto json = status();
    EXPECT_EQ(json["ready"], true);
    EXPECT_TRUE(json["watchdog"].is_null());
    EXPECT_EQ(status_text().find("ready  "), std::string::npos);
    EXPECT_EQ(logged("notify=-"), 1) << "no socket that nobody needs\n" << read_file(log);
    stop(supervisor);
}

// Deaf to TERM, so that the one before still lives when the next one would like to start. Who is
// asked differs by the way, how it is ended by the isolation: each of both once.
TEST_P(Ready, NotInTimeIsACrashWithBackOffAndNeverTwo) {
    for (auto way : ways()) {
        if (isolation == "pidns" && way.options[1] != "notify") continue;
        SCOPED_TRACE(way.options[1]);
        const Census census(mark, is_worker);
        for (const char* one : {"--ready-timeout", "300ms", "--stop-timeout", "200ms"})
            way.options.emplace_back(one);
        way.wishes.emplace_back("--ignore-term");
        auto supervisor = supervise(way.options, probe(way.wishes));
        ASSERT_TRUE(wait_for("was not ready within 300ms and was ended; restarting in", 2))
            << read_file(console);
        // Cured, the next one is left alone.
        write_file(go, "");
        ASSERT_TRUE(wait_for("ready in")) << read_file(console);
        const auto cured = status();
        EXPECT_GE(cured["restarts"], 2);
        EXPECT_FALSE(wait_until([&] { return status()["ready"] != true; }, milliseconds(600)))
            << read_file(console);
        EXPECT_EQ(status()["worker"]["pid"], cured["worker"]["pid"]);
        supervisor.signal(SIGTERM);
        EXPECT_TRUE(supervisor.wait(seconds(15)));
        EXPECT_EQ(census.most(), 1U);
        EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
        forget();
    }
}

TEST_P(Ready, ThreeTimesNotInTimeWaitsForAChange) {
    auto supervisor = supervise({"--watch", "--ready", "notify", "--ready-timeout", "200ms"},
                                probe({"--ready-when", go}));
    ASSERT_TRUE(wait_for("3 quick failures; waiting for a change")) << read_file(console);
    EXPECT_EQ(worker(), 0);
    const auto json = status();
    // Not by the workers' own lines: on a busy machine 200 ms may be over before one is written.
    EXPECT_EQ(json["generation"], 3);
    EXPECT_LE(logged("START"), 3);
    EXPECT_TRUE(json["worker"].is_null());
    EXPECT_NE(json["last_end"]["text"].get<std::string>().find("was not ready within 200ms"),
              std::string::npos);
    write_file(go, "");
    write_file(source, "cured");
    EXPECT_TRUE(wait_for("ready in")) << read_file(console);
    stop(supervisor);
}

TEST_P(Ready, OnCrashExitEndsWithOneWhenItIsNotInTime) {
    auto supervisor =
        supervise({"--on-crash", "exit", "--ready", "notify", "--ready-timeout", "200ms"}, probe());
    const auto status = supervisor.wait(seconds(20));
    ASSERT_TRUE(status) << read_file(console);
    EXPECT_EQ(*status, (ExitStatus{1, 0})) << read_file(console);
    EXPECT_TRUE(living(mark).empty());
}

// Time to get ready that nobody could use.
TEST_P(Ready, WhileItIsStoppedTheTimeToGetReadyStandsStill) {
    auto supervisor =
        supervise({"--ready", "notify", "--ready-timeout", "800ms"}, probe({"--ready-when", go}));
    ASSERT_TRUE(wait_for_starts(1));
    ASSERT_TRUE(wait_for("started"));
    const pid_t held = worker();
    ::kill(held, SIGSTOP);
    ASSERT_TRUE(wait_until([&] { return status()["ready_held"].is_string(); }, seconds(10)));
    EXPECT_NE(status_text().find("not yet; time stands still: it is stopped (SIGSTOP or Ctrl-Z)"),
              std::string::npos);
    EXPECT_FALSE(wait_for("was not ready", 1, milliseconds(1600))) << read_file(console);
    ::kill(held, SIGCONT);
    // The control: now it counts.
    EXPECT_TRUE(wait_for("was not ready within 800ms and was ended")) << read_file(console);
    EXPECT_NE(worker(), held);
    supervisor.signal(SIGTERM);
    EXPECT_TRUE(supervisor.wait(seconds(15)));
}

TEST_P(Ready, AProcessOfTheWorkersMaySayItAndAStrangerMayNot) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to send as somebody else";
    // An abstract name: on a path the kernel itself would keep the stranger out.
    state = dir.file(std::string(100, 's'));
    auto supervisor =
        supervise({"--ready", "notify"}, probe({"--ready-when", "now", "--ready-by", "stranger"}));
    ASSERT_TRUE(wait_for("a message of user 65534 on NOTIFY_SOCKET is not obeyed"))
        << read_file(console);
    EXPECT_EQ(logged("notify=@"), 1) << read_file(log);
    EXPECT_EQ(status()["ready"], false);
    stop(supervisor);
    forget();
    auto control =
        supervise({"--ready", "notify"}, probe({"--ready-when", "now", "--ready-by", "child"}));
    EXPECT_TRUE(wait_for("ready in")) << read_file(console);
    stop(control);
}

TEST_P(Ready, NonsenseIsNamedOnceAndHasNoEffect) {
    auto supervisor = supervise(
        {"--ready", "notify"},
        probe({"--say", "READY=yes\\nWATCHDOG=maybe\\nSTATUS=one\x1b[2J", "--ready-when", go}));
    ASSERT_TRUE(wait_for("READY=yes makes no sense")) << read_file(console);
    const auto json = status();
    EXPECT_EQ(json["ready"], false);
    EXPECT_EQ(json["status_text"], "one?[2J");
    EXPECT_EQ(said("makes no sense"), 1) << "the rest would only fill the screen";
    write_file(go, "");
    EXPECT_TRUE(wait_for("ready in"));
    stop(supervisor);
}

// As fast as the supervisor reads, for as long as it lives.
TEST_P(Ready, AFloodOfMessagesHoldsUpNobody) {
    const std::string flood =
        "import os, socket\n"
        "open(os.environ['LOG'], 'a').write('START\\n')\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "s.connect(os.environ['NOTIFY_SOCKET'].replace('@', '\\0', 1))\n"
        "n = 0\n"
        "while True:\n"
        "    n += 1\n"
        "    s.send(b'READY=1\\nSTATUS=%d' % n)\n";
    environment = {{"LOG", log}};
    auto supervisor =
        supervise({"--watch", "--ready", "notify"}, {"/usr/bin/python3", "-c", flood});
    ASSERT_TRUE(wait_for("ready in")) << read_file(console);
    const auto number = [this] { return std::stol(status()["status_text"].get<std::string>()); };
    const long before = number();
    ASSERT_TRUE(wait_until([&] { return number() > before + 1000; }, seconds(10)));
    write_file(source, "2");
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_TRUE(wait_for("ready in", 2)) << read_file(console);
    stop(supervisor);
}

std::size_t open_descriptors(pid_t pid) {
    std::size_t count = 0;
    DIR* dir = ::opendir(("/proc/" + std::to_string(pid) + "/fd").c_str());
    while (dir && ::readdir(dir))
        ++count;
    if (dir) ::closedir(dir);
    return count;
}

// The protocol by hand in another language; what it may not ask for, it asks for as well.
TEST_P(Ready, AnyLanguageSpeaksItAndOnlyWhatMakesSenseCounts) {
    const auto is_python = [](const Seen& seen) {
        return seen.command.find(std::string("/usr/bin/python3 ") + ONELOOP_NOTIFY_WORKER) == 0;
    };
    auto supervisor = supervise({"--ready", "notify", "--watchdog", "500ms"},
                                {"/usr/bin/python3", ONELOOP_NOTIFY_WORKER, dir.path()});
    ASSERT_TRUE(wait_for("started")) << read_file(console);
    ASSERT_TRUE(wait_until(
        [&] { return status_text().find("starting with a watchdog of 0.5s") != std::string::npos; },
        seconds(20)))
        << read_file(console);
    // MAINPID=1: who the worker is, the kernel says.
    const auto living_python = living(mark, is_python);
    ASSERT_EQ(living_python.size(), 1U);
    EXPECT_EQ(status()["worker"]["pid"], living_python[0].pid);
    write_file(dir.file("ready"), "");
    ASSERT_TRUE(wait_for("ready in")) << read_file(console);
    EXPECT_EQ(status()["status_text"], "schöne Grüße, 준비됨");
    // FDSTORE=1: 400 descriptors came along, and none was kept.
    EXPECT_LT(open_descriptors(supervisor.pid()), 50U);
    EXPECT_FALSE(wait_for("said nothing", 1, milliseconds(1500))) << read_file(console);
    write_file(dir.file("hang"), "");
    EXPECT_TRUE(wait_for("said nothing for")) << read_file(console);
    supervisor.signal(SIGTERM);
    EXPECT_TRUE(supervisor.wait(seconds(15)));
}

}  // namespace
}  // namespace oneloop::test
