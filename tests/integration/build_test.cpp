// --build and --check: the old worker serves until what is new has been built, and a failure keeps
// it.
#include "tests/support/build_fixture.h"

namespace oneloop::test {
namespace {

TEST_F(Build, AFailureKeepsTheOldWorkerAndTheNextSuccessSwitches) {
    write_file(source, "good");
    Census census(mark, is_worker_or_escapee);
    auto supervisor = supervise({"--watch", "--build", honest}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    EXPECT_EQ(builds(), 1);
    const pid_t old = worker();
    ASSERT_GT(old, 0);
    write_file(source, "bad");
    ASSERT_TRUE(wait_for("build failed: exit 1")) << read_file(console);
    EXPECT_EQ(worker(), old);
    EXPECT_NE(ask("status").find("\nbuild        build failed: exit 1 after "), std::string::npos);
    write_file(source, "still bad");
    ASSERT_TRUE(wait_for("build failed: exit 1", 2)) << read_file(console);
    EXPECT_EQ(worker(), old);
    EXPECT_EQ(logged("START"), 1);
    write_file(source, "good again");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(builds(), 4);
    EXPECT_NE(ask("status").find("\nbuild        done\n"), std::string::npos);
    EXPECT_EQ(said("build failed"), 2) << "each failure is said once";
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
}

// What --build is for: without it, the worker that ran is gone at the first save.
TEST_F(Build, ControlWithoutABuildAFaultySaveCostsTheWorker) {
    write_file(source, "good");
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    const pid_t old = worker();
    write_file(source, "bad");
    ASSERT_TRUE(wait_for_starts(2));
    EXPECT_TRUE(wait_until([&] { return worker() != old; }, seconds(5)));
    stop(supervisor);
}

TEST_F(Build, WithoutAWorkerYetTheBuildRunsFirst) {
    write_file(source, "bad");
    auto supervisor = supervise({"--watch", "--build", honest}, probe());
    ASSERT_TRUE(wait_for("build failed"));
    EXPECT_EQ(logged("START"), 0);
    write_file(source, "good");
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    EXPECT_EQ(builds(), 2);
    stop(supervisor);
}

TEST_F(Build, WithNothingWatchedAFirstBuildThatFailsIsTheEnd) {
    auto supervisor = supervise({"--build", "exit 9"}, probe());
    const auto status = supervisor.wait(seconds(10));
    ASSERT_TRUE(status);
    EXPECT_EQ(status->code, 69) << read_file(console);
    EXPECT_EQ(said("build failed: exit 9"), 1);
}

TEST_F(Build, ACheckComesAfterTheBuildAndKeepsTheOldWorkerToo) {
    write_file(source, "good");
    auto supervisor =
        supervise({"--watch", "--build", honest, "--check", "! grep -q wrong app.py"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    const pid_t old = worker();
    write_file(source, "good but wrong");
    ASSERT_TRUE(wait_for("check failed: exit 1")) << read_file(console);
    EXPECT_EQ(worker(), old);
    EXPECT_EQ(said("build done"), 2);
    write_file(source, "good");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(supervisor);
}

TEST_F(Build, ASaveDuringABuildEndsItsWholeTreeFirstAndStartsItAnew) {
    write_file(source, "quick");
    const std::string build =
        "if grep -q slow app.py; then sleep 1000 & setsid sleep 1000 & wait; fi; "
        "echo build >> ../builds";
    auto supervisor = supervise({"--watch", "--build", build}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    write_file(source, "slow");
    ASSERT_TRUE(wait_until([&] { return living(mark, is_sleeper).size() == 2; }, seconds(10)));
    write_file(source, "quick again");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_TRUE(living(mark, is_sleeper).empty());
    EXPECT_EQ(builds(), 2);
    EXPECT_EQ(said("build failed"), 0) << "one that was ended has not failed";
    stop(supervisor);
}

TEST_F(Build, ABuildThatIgnoresTermIsKilled) {
    write_file(source, "quick");
    const std::string build =
        "if grep -q slow app.py; then trap '' TERM; sleep 1000; sleep 1000; fi; echo build >> "
        "../builds";
    auto supervisor = supervise({"--watch", "--build", build}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    write_file(source, "slow");
    ASSERT_TRUE(wait_until([&] { return !living(mark, is_sleeper).empty(); }, seconds(10)));
    write_file(source, "quick");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(supervisor);
}

TEST_F(Build, AStopDuringABuildLeavesNothingOfIt) {
    auto supervisor = supervise({"--watch", "--build", "setsid sleep 1000 & sleep 1000"}, probe());
    ASSERT_TRUE(wait_until([&] { return living(mark, is_sleeper).size() >= 2; }, seconds(10)));
    stop(supervisor);
    EXPECT_TRUE(living(mark).empty());
}

TEST_F(Build, WhatItWritesItselfDoesNotStartItForEver) {
    const std::string build = "echo build >> ../builds; date +%s%N > gen.h";
    auto supervisor = supervise({"--watch", "--build", build}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    EXPECT_LE(builds(), 5);
    EXPECT_EQ(said("gen.h changed during each of the last builds"), 1) << read_file(console);
    EXPECT_EQ(said("--ignore gen.h"), 1);
    const int before = builds();
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    write_file(source, "3");
    ASSERT_TRUE(wait_for_starts(3)) << read_file(console);
    EXPECT_EQ(builds(), before + 2);
    stop(supervisor);
}

TEST_F(Build, ARestartThatIsAskedForIsBuiltFirst) {
    write_file(source, "good");
    auto supervisor = supervise({"--build", honest}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    const pid_t old = worker();
    write_file(source, "bad");  // not watched
    supervisor.signal(SIGUSR1);
    ASSERT_TRUE(wait_for("build failed"));
    EXPECT_EQ(worker(), old);
    write_file(source, "good");
    supervisor.signal(SIGUSR1);
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(supervisor);
}

class BuildCpp : public Build {
  protected:
    void write_source(const std::string& version, const std::string& fault = "") const {
        write_file(dir.file("project/main.cpp"),
                   "#include <unistd.h>\n#include <cstdio>\n"
                   "int main(int, char** argv) {\n"
                   "    std::FILE* log = std::fopen(argv[1], \"a\");\n"
                   "    std::fprintf(log, \"START version " +
                       version + " pid %d\\n\", ::getpid());\n    std::fclose(log);\n    " + fault +
                       "\n    for (;;) ::pause();\n}\n");
    }
    [[nodiscard]] bool wait_for_version(const std::string& version) const {
        return wait_until([&] { return logged("START version " + version) == 1; }, seconds(60));
    }
};

TEST_F(BuildCpp, ARealProgramIsRebuiltAndAnErrorKeepsTheOldOne) {
    write_file(dir.file("project/CMakeLists.txt"),
               "cmake_minimum_required(VERSION 3.16)\nproject(served CXX)\n"
               "add_executable(served main.cpp)\n");
    write_source("one");
    auto supervisor =
        supervise({"--watch", "--build", "cmake -S . -B build >/dev/null && cmake --build build"},
                  {"build/served", log});
    ASSERT_TRUE(wait_for_version("one")) << read_file(console);
    const auto is_served = [](const Seen& seen) { return seen.command.find("build/served") == 0; };
    const auto old = living(mark, is_served);
    ASSERT_EQ(old.size(), 1U);
    write_source("broken", "this_does_not_exist();");
    ASSERT_TRUE(wait_until([&] { return said("build failed") == 1; }, seconds(60)));
    EXPECT_GE(said("this_does_not_exist"), 1) << "the compiler is heard";
    const auto still = living(mark, is_served);
    ASSERT_EQ(still.size(), 1U);
    EXPECT_EQ(still[0].pid, old[0].pid);
    write_source("two");
    ASSERT_TRUE(wait_for_version("two")) << read_file(console);
    EXPECT_EQ(said("build done"), 2);
    EXPECT_EQ(logged("START"), 2) << read_file(log);
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
