// The lifecycle of a worker that is declared failed though it lives, in words.
#include <gtest/gtest.h>

#include "supervisor/lifecycle.h"

namespace oneloop {
namespace {

constexpr SteadyTime t0{std::chrono::hours(1)};

LifecycleOptions options() {
    return {};
}

TEST(LifecycleFailed, AWorkerThatHangsIsAbortedAndCountsAsACrashWhateverItExitsWith) {
    const WorkerEnd end = Unresponsive{"said nothing for 3.0s", true};
    Step s = step(Lifecycle{}, TimePassed{}, t0, options());
    s = step(s.next, Failed{end}, t0 + std::chrono::seconds(3), options());
    EXPECT_EQ(s.commands, (std::vector<Command>{SignalTree{SignalTree::Signal::abort}}));
    EXPECT_EQ(s.next.deadline(), t0 + std::chrono::seconds(13));
    // Said again while it is being ended: nothing more.
    EXPECT_TRUE(
        step(s.next, Failed{end}, t0 + std::chrono::seconds(4), options()).commands.empty());
    // What it leaves behind gets the usual signal.
    s = step(s.next, LeaderEnded{Exited{{0, 0}}}, t0 + std::chrono::seconds(4), options());
    EXPECT_EQ(s.commands, (std::vector<Command>{SignalTree{}}));
    s = step(s.next, TreeGone{}, t0 + std::chrono::seconds(4), options());
    ASSERT_EQ(s.commands.size(), 1U);
    const auto& report = std::get<ReportEnd>(s.commands[0]);
    EXPECT_EQ(report.end, end);
    EXPECT_TRUE(report.failure);
    EXPECT_EQ(report.lived, std::chrono::seconds(3));
    EXPECT_TRUE(std::holds_alternative<RespawnAfter>(report.verdict));
}

TEST(LifecycleFailed, AWorkerThatIsNotReadyIsToldToStopAsUsual) {
    Step s = step(Lifecycle{}, TimePassed{}, t0, options());
    s = step(s.next, Failed{Unresponsive{"was not ready within 90s", false}}, t0, options());
    EXPECT_EQ(s.commands, (std::vector<Command>{SignalTree{}}));
}

TEST(LifecycleFailed, AChangeDuringTheEndOfAFailedOneStartsTheNextWithoutABackOff) {
    Step s = step(Lifecycle{}, TimePassed{}, t0, options());
    s = step(s.next, Failed{Unresponsive{"hangs", true}}, t0, options());
    s = step(s.next, Changed{}, t0, options());
    EXPECT_TRUE(s.commands.empty());
    s = step(s.next, Settled{}, t0, options());
    s = step(s.next, TreeGone{}, t0, options());
    EXPECT_EQ(s.commands.back(), Command(Spawn{}));
}

}  // namespace
}  // namespace oneloop
