// brain while it is paused: changes are noted, nothing restarts for them, and a resume makes up for
// all of them with one restart at most.
#include <gmock/gmock.h>

#include <string>

#include "supervisor/brain.h"

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

// A brain whose worker runs, and a clock.
class BrainPause : public testing::Test {
  protected:
    BrainPause() {
        EXPECT_THAT(tell(TimePassed{}).commands, ElementsAre(Command(Spawn{})));
        now += seconds(10);
    }

    Advice tell(const Input& input) { return brain.step(input, now); }
    Advice changed(const std::string& path, ChangeKind kind = ChangeKind::written) {
        return tell(FileChanged{path, kind});
    }
    // All that happens by itself, until nothing is due or a minute has passed.
    std::vector<Command> run_on() {
        std::vector<Command> all;
        const auto end = now + seconds(60);
        while (brain.deadline() && *brain.deadline() <= end) {
            now = std::max(now, *brain.deadline());
            const Advice advice = tell(TimePassed{});
            all.insert(all.end(), advice.commands.begin(), advice.commands.end());
            if (advice.changes) changes.push_back(*advice.changes);
        }
        return all;
    }
    // The worker, told to stop, does so.
    std::vector<Command> obey() {
        auto all = tell(LeaderEnded{Exited{ExitStatus{0, 15}}}).commands;
        for (const auto& command : tell(TreeGone{}).commands)
            all.push_back(command);
        for (const auto& command : run_on())
            all.push_back(command);
        return all;
    }
    template <class T>
    [[nodiscard]] bool is() const {
        return std::holds_alternative<T>(brain.lifecycle().state);
    }

    SteadyTime now = SteadyTime{} + std::chrono::hours(1);
    Brain brain{LifecycleOptions{}, ChangeGate::Options{}};
    std::vector<ChangeSummary> changes;  // those that were told by run_on
};

TEST_F(BrainPause, is_off_at_first) {
    EXPECT_FALSE(brain.paused());
    EXPECT_EQ(brain.held_changes(), 0U);
}

TEST_F(BrainPause, changes_are_noted_and_nothing_happens) {
    EXPECT_THAT(tell(PauseRequested{}).commands, IsEmpty());
    EXPECT_TRUE(brain.paused());
    for (int i = 0; i < 1000; ++i) {
        EXPECT_THAT(changed("app.py").commands, IsEmpty());
        EXPECT_THAT(changed("b.py", ChangeKind::removed).commands, IsEmpty());
        EXPECT_EQ(brain.deadline(), std::nullopt) << "nothing to wake up for";
        now += milliseconds(7);
    }
    EXPECT_EQ(brain.held_changes(), 2U);
    EXPECT_THAT(tell(EventsLost{}).commands, IsEmpty());
    EXPECT_TRUE(is<Running>());
}

TEST_F(BrainPause, a_resume_restarts_once_and_names_what_was_noted) {
    tell(PauseRequested{});
    for (const char* path : {"app.py", "b.py", "app.py", "c.py"}) {
        changed(path);
        now += seconds(1);
    }
    EXPECT_THAT(tell(ResumeRequested{}).commands, ElementsAre(Command(SignalTree{})));
    EXPECT_FALSE(brain.paused());
    EXPECT_EQ(brain.held_changes(), 0U);
    const Advice settled = [&] {
        now = *brain.deadline();
        return tell(TimePassed{});
    }();
    EXPECT_EQ(settled.changes, (ChangeSummary{"app.py", 3, false, {"b.py", "c.py"}}));
    EXPECT_THAT(obey(), ElementsAre(Command(SignalTree{}), Command(Spawn{})));
    EXPECT_THAT(changes, IsEmpty()) << "told once";
    EXPECT_TRUE(is<Running>());
    EXPECT_THAT(run_on(), IsEmpty()) << "one restart, not one a change";
}

TEST_F(BrainPause, a_resume_after_nothing_does_nothing) {
    tell(PauseRequested{});
    now += seconds(100);
    EXPECT_THAT(tell(ResumeRequested{}).commands, IsEmpty());
    EXPECT_EQ(brain.deadline(), std::nullopt);
    EXPECT_THAT(tell(ResumeRequested{}).commands, IsEmpty()) << "nor does a second one";
    EXPECT_TRUE(is<Running>());
    EXPECT_THAT(changed("app.py").commands, ElementsAre(Command(SignalTree{}))) << "as before";
}

TEST_F(BrainPause, pausing_twice_is_pausing_once) {
    tell(PauseRequested{});
    changed("app.py");
    tell(PauseRequested{});
    EXPECT_EQ(brain.held_changes(), 1U);
    EXPECT_THAT(tell(ResumeRequested{}).commands, ElementsAre(Command(SignalTree{})));
}

TEST_F(BrainPause, lost_events_are_made_up_for) {
    tell(PauseRequested{});
    tell(EventsLost{});
    EXPECT_THAT(tell(ResumeRequested{}).commands, ElementsAre(Command(SignalTree{})));
    obey();
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_TRUE(changes[0].events_lost);
}

// Its restart has begun, and without it there would be no worker at all.
TEST_F(BrainPause, a_burst_that_has_begun_goes_its_way) {
    EXPECT_THAT(changed("app.py").commands, ElementsAre(Command(SignalTree{})));
    tell(PauseRequested{});
    EXPECT_THAT(obey(), Contains(Command(Spawn{})));
    EXPECT_TRUE(is<Running>());
    EXPECT_TRUE(brain.paused());
}

TEST_F(BrainPause, what_a_new_worker_has_seen_needs_no_restart) {
    tell(PauseRequested{});
    changed("app.py");
    EXPECT_THAT(tell(RestartRequested{}).commands, ElementsAre(Command(SignalTree{})))
        << "who asks for a restart gets one";
    EXPECT_THAT(obey(), Contains(Command(Spawn{})));
    EXPECT_EQ(brain.held_changes(), 0U);
    EXPECT_THAT(tell(ResumeRequested{}).commands, IsEmpty());
    EXPECT_TRUE(is<Running>());
}

TEST_F(BrainPause, what_changes_after_that_start_is_noted_again) {
    tell(PauseRequested{});
    tell(RestartRequested{});
    obey();
    changed("app.py");
    EXPECT_EQ(brain.held_changes(), 1U);
    EXPECT_THAT(tell(ResumeRequested{}).commands, ElementsAre(Command(SignalTree{})));
}

TEST_F(BrainPause, a_worker_that_waits_for_a_change_starts_with_the_resume) {
    for (int crash = 0; crash < 10 && is<Running>(); ++crash) {
        tell(LeaderEnded{Exited{ExitStatus{7, 0}}});
        tell(TreeGone{});
        run_on();
    }
    ASSERT_TRUE(is<Waiting>()) << "quick failures in a row have to wait for a change";
    tell(PauseRequested{});
    EXPECT_THAT(changed("app.py").commands, IsEmpty());
    EXPECT_EQ(brain.deadline(), std::nullopt);
    EXPECT_THAT(tell(ResumeRequested{}).commands, IsEmpty());
    EXPECT_THAT(run_on(), ElementsAre(Command(Spawn{})));
}

TEST_F(BrainPause, a_crash_is_answered_as_always) {
    tell(PauseRequested{});
    changed("app.py");
    tell(LeaderEnded{Exited{ExitStatus{7, 0}}});
    const Advice gone = tell(TreeGone{});
    ASSERT_EQ(gone.commands.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<ReportEnd>(gone.commands[0]));
    EXPECT_THAT(run_on(), ElementsAre(Command(Spawn{})));
    EXPECT_THAT(changes, IsEmpty());
}

TEST_F(BrainPause, a_stop_stops) {
    tell(PauseRequested{});
    changed("app.py");
    EXPECT_THAT(tell(StopRequested{}).commands, ElementsAre(Command(SignalTree{})));
    EXPECT_THAT(obey(), Contains(Command(Finish{0, 0})));
    EXPECT_THAT(tell(ResumeRequested{}).commands, Not(Contains(Command(Spawn{}))));
    EXPECT_THAT(run_on(), IsEmpty());
}

TEST_F(BrainPause, a_resume_within_a_burst_joins_it) {
    changed("app.py");
    tell(PauseRequested{});
    changed("b.py");
    tell(ResumeRequested{});
    EXPECT_THAT(obey(), Contains(Command(Spawn{})));
    EXPECT_THAT(changes, ElementsAre(ChangeSummary{"app.py", 2, false, {"b.py"}}));
    EXPECT_THAT(run_on(), IsEmpty());
}

TEST_F(BrainPause, ten_thousand_noted_paths_are_counted) {
    tell(PauseRequested{});
    for (int i = 0; i < 10'000; ++i)
        changed("file" + std::to_string(i));
    EXPECT_EQ(brain.held_changes(), 10'000U);
    tell(ResumeRequested{});
    obey();
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].first_path, "file0");
    EXPECT_EQ(changes[0].count, 10'000U);
}

}  // namespace
}  // namespace oneloop
