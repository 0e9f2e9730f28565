// --on-crash with real processes: what the supervisor's own end tells its caller.
#include <gtest/gtest.h>

#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class OnCrash : public SupervisorFixture {
  protected:
    ExitStatus end_of(const std::string& script) {
        auto supervisor = supervise({"--watch", "--on-crash", "exit"}, {"/bin/sh", "-c", script});
        const auto status = supervisor.wait(seconds(30));
        EXPECT_TRUE(status) << read_file(console);
        EXPECT_TRUE(living(mark).empty()) << "gone before the supervisor ends, not after";
        return status.value_or(ExitStatus{-1, 0});
    }
};

TEST_F(OnCrash, ExitEndsAsTheWorkerDid) {
    EXPECT_EQ(end_of("exit 7"), (ExitStatus{7, 0}));
    EXPECT_EQ(end_of("exit 78"), (ExitStatus{78, 0}));
    EXPECT_EQ(end_of("exit 255"), (ExitStatus{255, 0}));
    EXPECT_EQ(end_of("kill -SEGV $$"), (ExitStatus{128 + SIGSEGV, 0}));
    EXPECT_EQ(end_of("kill -KILL $$"), (ExitStatus{128 + SIGKILL, 0}));
    EXPECT_EQ(end_of("exit 3"), (ExitStatus{1, 0})) << "after ten that were obeyed";
    EXPECT_EQ(said("crashed: exit 7 after"), 1) << read_file(console);
    EXPECT_GE(said("; ending"), 6) << read_file(console);
}

TEST_F(OnCrash, WaitWaitsForAChangeAfterTheFirst) {
    auto supervisor = supervise({"--watch", "--on-crash", "wait"}, probe({"--exit", "7"}));
    ASSERT_TRUE(wait_until([&] { return said("; waiting for a change") == 1; }, seconds(20)));
    EXPECT_EQ(logged("START"), 1);
    write_file(source, "cured");
    ASSERT_TRUE(wait_until([&] { return said("; waiting for a change") == 2; }, seconds(20)));
    EXPECT_EQ(logged("START"), 2);
    stop(supervisor);
}

// A stop is no crash, whatever the worker makes of it.
TEST_F(OnCrash, AStopIsAStop) {
    auto supervisor = supervise(
        {"--on-crash", "exit"},
        {"/bin/sh", "-c", "trap 'exit 9' TERM; echo START > " + log + "; sleep 60 & wait"});
    ASSERT_TRUE(wait_for_starts(1));
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
