// chronicle: what status and why say about a history of starts, ends and changes.
#include "supervisor/chronicle.h"

#include <gmock/gmock.h>

namespace oneloop {
namespace {

using control::Cause;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A chronicle fed as the loop does it, with a brain that really decides.
class ChronicleTest : public testing::Test {
  protected:
    static control::StatusReport facts() {
        control::StatusReport report;
        report.version = "1";
        report.cwd = "/srv";
        return report;
    }

    void tell(const Input& input) {
        chronicle.advised(brain.step(input, now), wall);
        wall += 1;
    }
    void run_on() {
        while (brain.deadline()) {
            now = std::max(now, *brain.deadline());
            tell(TimePassed{});
            if (std::holds_alternative<Running>(brain.lifecycle().state)) return;
        }
    }
    void started(std::uint64_t generation) { chronicle.started(generation, wall); }
    void end(int code) {
        tell(LeaderEnded{Exited{ExitStatus{code, 0}}});
        tell(TreeGone{});
        run_on();
    }
    [[nodiscard]] control::StatusReport report(int worker = 0) const {
        return chronicle.report(brain, {worker, now, std::nullopt});
    }

    SteadyTime now = SteadyTime{} + std::chrono::hours(1);
    std::int64_t wall = 1'700'000'000;
    Brain brain{LifecycleOptions{}, ChangeGate::Options{}};
    Chronicle chronicle{facts()};
};

TEST_F(ChronicleTest, before_the_first_start) {
    const auto report = this->report();
    EXPECT_EQ(report.version, "1");
    EXPECT_EQ(report.cwd, "/srv");
    EXPECT_EQ(report.state, "waiting");
    EXPECT_EQ(report.restarts, 0U);
    EXPECT_EQ(report.generation, 0U);
    EXPECT_EQ(report.last_restart, std::nullopt);
    EXPECT_EQ(report.last_end, std::nullopt);
    EXPECT_EQ(report.next_try_in_ms, std::nullopt) << "due at once is not a time to wait for";
}

TEST_F(ChronicleTest, the_first_start_is_no_restart) {
    tell(TimePassed{});
    EXPECT_EQ(report().state, "starting");
    started(41);
    const auto report = this->report(4711);
    EXPECT_EQ(report.state, "running");
    EXPECT_EQ(report.generation, 41U);
    EXPECT_EQ(report.worker_pid, 4711);
    EXPECT_EQ(report.worker_since, wall);
    EXPECT_EQ(report.restarts, 0U);
    EXPECT_EQ(report.last_restart, std::nullopt);
}

TEST_F(ChronicleTest, a_change_is_the_cause) {
    tell(TimePassed{});
    now += seconds(10);
    tell(FileChanged{"app.py", ChangeKind::written});
    tell(FileChanged{"b.py", ChangeKind::written});
    EXPECT_EQ(report(4711).state, "stopping");
    end(0);
    const auto cause = report(4712).last_restart;
    ASSERT_TRUE(cause.has_value());
    EXPECT_EQ(cause->kind, "change");
    EXPECT_EQ(cause->path, "app.py");
    EXPECT_EQ(cause->count, 2U);
    EXPECT_EQ(cause->text, "app.py (+1 more)");
    EXPECT_GT(cause->at, 1'700'000'000);
    EXPECT_EQ(report().restarts, 1U);
}

TEST_F(ChronicleTest, lost_events_are_named) {
    tell(TimePassed{});
    now += seconds(10);
    tell(EventsLost{});
    end(0);
    const auto cause = report().last_restart;
    ASSERT_TRUE(cause.has_value());
    EXPECT_TRUE(cause->events_lost);
    EXPECT_EQ(cause->text, "the event queue overflowed, anything may have changed");
}

TEST_F(ChronicleTest, a_request_is_the_cause) {
    tell(TimePassed{});
    now += seconds(10);
    chronicle.asked("SIGUSR1");
    tell(RestartRequested{});
    end(0);
    EXPECT_EQ(report().last_restart->kind, "request");
    EXPECT_EQ(report().last_restart->text, "asked for by SIGUSR1");
}

TEST_F(ChronicleTest, a_crash_an_exit_3_and_a_failed_start_are_told_apart) {
    tell(TimePassed{});
    now += seconds(10);
    end(7);
    EXPECT_EQ(report().last_restart->kind, "crash");
    EXPECT_EQ(report().last_restart->text, "crashed: exit 7");
    now += seconds(10);
    end(3);
    EXPECT_EQ(report().last_restart->kind, "reload");
    now += seconds(10);
    tell(LeaderEnded{NotStarted{NotStarted::Stage::exec, 13, "exec ./app: Permission denied"}});
    tell(TreeGone{});
    run_on();
    EXPECT_EQ(report().last_restart->kind, "crash");
    EXPECT_EQ(report().last_restart->text, "not started: exec ./app: Permission denied");
    EXPECT_EQ(report().restarts, 3U);
}

TEST_F(ChronicleTest, a_worker_that_gives_no_sign_is_a_crash) {
    run_on();
    tell(TimePassed{});
    tell(Failed{Unresponsive{"said nothing for 3.0s", true}});
    tell(LeaderEnded{Exited{ExitStatus{0, 6}}});
    tell(TreeGone{});
    run_on();
    const auto last = report().last_restart;
    ASSERT_TRUE(last);
    EXPECT_EQ(last->kind, "crash");
    EXPECT_EQ(last->text, "the worker said nothing for 3.0s");
}

TEST_F(ChronicleTest, an_edit_after_a_crash_is_what_the_start_is_for) {
    tell(TimePassed{});
    now += seconds(10);
    tell(LeaderEnded{Exited{ExitStatus{7, 0}}});
    tell(TreeGone{});
    ASSERT_EQ(report().state, "waiting");
    EXPECT_GT(report().next_try_in_ms, 0);
    EXPECT_LE(report().next_try_in_ms, 30'000);
    tell(FileChanged{"app.py", ChangeKind::written});
    run_on();
    EXPECT_EQ(report().last_restart->kind, "change");
    EXPECT_EQ(report().next_try_in_ms, std::nullopt);
}

TEST_F(ChronicleTest, an_end_is_kept_in_the_words_of_the_console) {
    chronicle.ended("worker 1 crashed: exit 7", 5);
    chronicle.ended("worker 2 crashed: exit 8", 6);
    EXPECT_EQ(report().last_end, (control::End{"worker 2 crashed: exit 8", 6}));
}

TEST_F(ChronicleTest, a_pause_shows) {
    tell(TimePassed{});
    tell(PauseRequested{});
    tell(FileChanged{"a", ChangeKind::written});
    tell(FileChanged{"b", ChangeKind::written});
    EXPECT_TRUE(report().paused);
    EXPECT_EQ(report().held_changes, 2U);
    EXPECT_EQ(report(1).state, "running");
}

TEST_F(ChronicleTest, what_is_held_back_shows_up_to_a_limit) {
    tell(TimePassed{});
    for (int generation = 0; generation < 3; ++generation) {
        EXPECT_THAT(report(1).held_own_writes, testing::IsEmpty());
        now += milliseconds(300);
        for (int i = 0; i < 100; ++i)
            tell(FileChanged{"gen" + std::to_string(i)});
        if (generation < 2) end(0);
    }
    EXPECT_EQ(report(1).held_own_writes.size(), control::most_own_writes);
    EXPECT_EQ(report(1).held_own_writes.front(), "gen0");
}

TEST_F(ChronicleTest, a_worker_that_no_kill_ends_is_stuck) {
    tell(TimePassed{});
    tell(RestartRequested{});
    EXPECT_EQ(report(1).state, "stopping");
    for (int deadline = 0; deadline < 2; ++deadline) {
        now = *brain.deadline();
        tell(TimePassed{});
    }
    EXPECT_EQ(report(1).state, "stuck");
}

}  // namespace
}  // namespace oneloop
