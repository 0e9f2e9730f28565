// reload_verdict: each way in which a reload may go on.
#include "supervisor/reload_verdict.h"

#include <gtest/gtest.h>

namespace oneloop {
namespace {

control::StatusReport running(std::uint64_t generation) {
    control::StatusReport report;
    report.state = "running";
    report.generation = generation;
    report.worker_pid = 100 + static_cast<int>(generation);
    report.ready = true;
    return report;
}

control::StatusReport with_build(control::StatusReport report, const std::string& build) {
    report.build = build;
    return report;
}

control::StatusReport in_state(control::StatusReport report, const std::string& state) {
    report.state = state;
    report.ready = false;
    if (state == "waiting") report.worker_pid = 0;
    return report;
}

TEST(ReloadVerdictTest, while_the_old_worker_is_checked_for_or_stopped_it_is_open) {
    EXPECT_EQ(reload_verdict(running(3), running(3)), ReloadVerdict::open);
    EXPECT_EQ(reload_verdict(running(3), with_build(running(3), "check running")),
              ReloadVerdict::open);
    EXPECT_EQ(reload_verdict(running(3), with_build(running(3), "done")), ReloadVerdict::open);
    EXPECT_EQ(reload_verdict(running(3), in_state(running(3), "stopping")), ReloadVerdict::open);
}

TEST(ReloadVerdictTest, a_check_that_failed_before_and_runs_again_is_open) {
    EXPECT_EQ(reload_verdict(with_build(running(3), "check failed: exit 78 after 10ms"),
                             with_build(running(3), "check running")),
              ReloadVerdict::open);
}

TEST(ReloadVerdictTest, a_build_or_a_check_that_fails_refuses_it) {
    for (const char* text :
         {"build failed: exit 2 after 1.3s", "check failed: exit 78 after 9ms"}) {
        EXPECT_EQ(reload_verdict(running(3), with_build(running(3), text)), ReloadVerdict::refused);
    }
}

TEST(ReloadVerdictTest, the_next_worker_counts_when_it_is_ready_and_not_before) {
    EXPECT_EQ(reload_verdict(running(3), in_state(running(4), "starting")), ReloadVerdict::open);
    EXPECT_EQ(reload_verdict(running(3), in_state(running(4), "running")), ReloadVerdict::open);
    EXPECT_EQ(reload_verdict(running(3), running(4)), ReloadVerdict::ready);
    // Started since, and something has changed again: the first one was ready, or this one is.
    EXPECT_EQ(reload_verdict(running(3), running(5)), ReloadVerdict::ready);
}

TEST(ReloadVerdictTest, one_that_ends_before_it_is_ready_is_lost) {
    EXPECT_EQ(reload_verdict(running(3), in_state(running(5), "starting")), ReloadVerdict::lost);
    auto crashed = in_state(running(4), "waiting");
    crashed.last_end = control::End{"worker 104 crashed: exit 1", 7};
    EXPECT_EQ(reload_verdict(running(3), crashed), ReloadVerdict::lost);
    auto never_started = crashed;
    never_started.generation = 3;
    EXPECT_EQ(reload_verdict(running(3), never_started), ReloadVerdict::lost);
    EXPECT_EQ(reload_verdict(running(3), in_state(running(3), "stuck")), ReloadVerdict::lost);
}

TEST(ReloadVerdictTest, who_waited_already_is_not_lost_for_that) {
    const auto waiting = in_state(running(3), "waiting");
    EXPECT_EQ(reload_verdict(waiting, waiting), ReloadVerdict::open);
    EXPECT_EQ(reload_verdict(waiting, running(4)), ReloadVerdict::ready);
}

}  // namespace
}  // namespace oneloop
