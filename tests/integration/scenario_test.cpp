// What happens in a day with a supervisor, each case from the start to the end: helpers that stay,
// edits while the old one cleans up, ends of every kind, a command that can't be executed yet.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <filesystem>

#include "common/unique_fd.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class Scenario : public SupervisorFixture, public testing::WithParamInterface<const char*> {
  protected:
    Scenario() { isolation = GetParam(); }
    void SetUp() override {
        SupervisorFixture::SetUp();
        if (isolation == "pidns" && ::geteuid() != 0) GTEST_SKIP() << "needs root";
    }

    static std::string line(const std::vector<std::string>& command) {
        std::string text;
        for (const auto& argument : command)
            text += argument + " ";
        return text;
    }
};

INSTANTIATE_TEST_SUITE_P(Isolation, Scenario, testing::Values("subreaper", "cgroup", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(Scenario, AShellThatIgnoresTermTakesItsWorkerWithIt) {
    const Census census(mark, is_worker);
    auto supervisor = supervise({"--watch", "--stop-timeout", "300ms"},
                                {"sh", "-c", "trap '' TERM; " + line(probe()) + "& wait"});
    for (int round = 1; round <= 3; ++round) {
        ASSERT_TRUE(wait_for_starts(round)) << read_file(console);
        write_file(source, std::to_string(round));
    }
    ASSERT_TRUE(wait_for_starts(4)) << read_file(console);
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_P(Scenario, EditsWhileTheOldOneCleansUpAreOneSignalAndOneStart) {
    const Census census(mark, is_worker);
    auto supervisor = supervise({"--watch"}, probe({"--stop-takes", "1500"}));
    ASSERT_TRUE(wait_for_starts(1));
    write_file(source, "2");
    ASSERT_TRUE(wait_until([&] { return logged("STOP") == 1; }, seconds(10)));
    for (const char* text : {"3", "4", "5"}) {
        write_file(source, text);
        let_pass(milliseconds(100));
    }
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(logged("CLEAN"), 1) << "its clean-up was cut short";
    EXPECT_FALSE(wait_for_starts(3, milliseconds(500))) << read_file(log);
    EXPECT_EQ(logged("STOP"), 1) << read_file(log);
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_P(Scenario, WhatTheWorkerLeavesIsToldToStopBeforeTheNextOne) {
    const Census census(mark, is_worker);
    auto supervisor =
        supervise({"--watch"}, {"sh", "-c",
                                line(probe({"--stop-takes", "200"})) + "& " +
                                    "until grep -qs \"generation=$ONELOOP_GENERATION \" " + log +
                                    "; do :; done; exit 7"});
    ASSERT_TRUE(wait_for_starts(2, seconds(20))) << read_file(console);
    const std::string text = read_file(log);
    EXPECT_LT(text.find("CLEAN"), text.rfind("START")) << text;
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_P(Scenario, AWorkerThatIsDoneWaitsForAChange) {
    auto supervisor = supervise({"--watch"}, probe({"--exit", "0"}));
    ASSERT_TRUE(wait_until([&] { return said("is done (exit 0)") == 1; }, seconds(10)));
    EXPECT_FALSE(wait_for_starts(2, seconds(1))) << read_file(console);
    write_file(source, "2");
    EXPECT_TRUE(wait_for_starts(2));
    EXPECT_EQ(said("crashed"), 0) << read_file(console);
    stop(supervisor);
}

TEST_P(Scenario, AKilledWorkerIsACrashAndTheNextOneFollows) {
    const Census census(mark, is_worker);
    auto supervisor = supervise({"--watch"}, probe({"--escapee"}));
    for (int round = 1; round <= 2; ++round) {
        ASSERT_TRUE(wait_for_starts(round, seconds(20))) << read_file(console);
        ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(5)));
        ::kill(living(mark, is_worker).at(0).pid, SIGKILL);
        // What it left is deaf; an insistent person is not kept waiting for it.
        ::kill(living(mark, is_escapee).at(0).pid, SIGKILL);
        ASSERT_TRUE(wait_until([&] { return said("crashed: SIGKILL") == round; }, seconds(10)))
            << read_file(console);
    }
    ASSERT_TRUE(wait_for_starts(3, seconds(20)));
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(5)));
    ::kill(living(mark, is_escapee).at(0).pid, SIGKILL);
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_P(Scenario, AWorkerThatDiesOfOurStopSignalDidNotCrash) {
    auto supervisor =
        supervise({"--watch"}, {"sh", "-c", "echo START >>" + log + "; exec sleep 1000"});
    for (int round = 1; round <= 4; ++round) {
        ASSERT_TRUE(wait_for_starts(round)) << read_file(console);
        write_file(source, std::to_string(round));
    }
    EXPECT_TRUE(wait_for_starts(5));
    EXPECT_EQ(said("crashed"), 0) << read_file(console);
    stop(supervisor);
}

TEST_P(Scenario, AReplacedWardenFileChangesNothingForWhoRuns) {
    const std::filesystem::path built(ONELOOP_SUPERVISOR);
    for (const char* program : {"supervisor", "warden"}) {
        std::filesystem::copy(built.parent_path() / program, dir.file(program));
    }
    std::vector<std::string> command = {dir.file("supervisor"), "--watch", "--isolate", isolation,
                                        "--state-dir",          state,     "--"};
    const auto worker = probe();
    command.insert(command.end(), worker.begin(), worker.end());
    auto supervisor = start(command);
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    // As an upgrade does it, and an upgrade that was cut off.
    write_file(dir.file("warden.new"), "not a program");
    std::filesystem::rename(dir.file("warden.new"), dir.file("warden"));
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    std::filesystem::remove(dir.file("warden"));
    write_file(source, "3");
    ASSERT_TRUE(wait_for_starts(3)) << read_file(console);
    stop(supervisor);
}

// fanotify(7) holds the exec up for as long as it is not answered, as a dead network disk would.
TEST_P(Scenario, AnExecThatHangsIsEndedWithItsSupervisor) {
    const std::string program = dir.file("slow");
    std::filesystem::copy(ONELOOP_PROBE_WORKER, program);
    UniqueFd gate(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY));
    if (!gate || ::fanotify_mark(gate.get(), FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD,
                                 program.c_str()) != 0) {
        GTEST_SKIP() << "needs root and fanotify's permission events";
    }
    auto supervisor = supervise({}, {program, "--log", log});
    fanotify_event_metadata asked{};
    ASSERT_TRUE(wait_until([&] { return ::read(gate.get(), &asked, sizeof asked) == sizeof asked; },
                           seconds(10)))
        << read_file(console);
    const UniqueFd opened(asked.fd);
    EXPECT_EQ(living(mark, is_warden).size(), 2U) << "the warden, and its child before the exec";
    supervisor.signal(SIGKILL);
    ASSERT_TRUE(supervisor.wait(seconds(5)));
    EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, seconds(10)))
        << living(mark).size();
    gate.reset();  // answers whoever still asks
    EXPECT_EQ(logged("START"), 0);
}

}  // namespace
}  // namespace oneloop::test
