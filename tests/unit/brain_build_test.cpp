// brain with --build: a change is built first, and only a success reaches the worker.
#include <gmock/gmock.h>

#include "common/exit_status.h"
#include "supervisor/brain.h"

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class Crank {
  public:
    explicit Crank(bool watching = true, PolicyOptions policy = {})
        : brain_(options(watching, policy), ChangeGate::Options{}, OwnWrites::Options{},
                 BuildOptions{true}) {}

    Advice tell(const Input& input) { return brain_.step(input, now); }
    Advice changed(const std::string& path) { return tell(FileChanged{path, ChangeKind::written}); }
    Advice ring() {
        const auto due = brain_.deadline();
        EXPECT_TRUE(due.has_value()) << "nothing is due";
        if (due) now = std::max(now, *due);
        return tell(TimePassed{});
    }
    [[nodiscard]] std::optional<SteadyTime> deadline() const { return brain_.deadline(); }
    [[nodiscard]] std::size_t held() const { return brain_.held_changes(); }
    template <class T>
    [[nodiscard]] bool is() const {
        return std::holds_alternative<T>(brain_.lifecycle().state);
    }
    SteadyTime now = SteadyTime{} + std::chrono::hours(1);

  private:
    static LifecycleOptions options(bool watching, const PolicyOptions& policy) {
        LifecycleOptions result;
        result.policy = policy;
        result.policy.watching = watching;
        return result;
    }
    Brain brain_;
};

Crank running(const PolicyOptions& policy = {}) {
    Crank crank(true, policy);
    crank.tell(TimePassed{});
    EXPECT_THAT(crank.tell(BuildGone{true}).commands, ElementsAre(Command(Spawn{})));
    crank.now += seconds(10);
    return crank;
}

TEST(BrainBuild, without_a_worker_the_build_runs_first) {
    Crank crank;
    const auto first = crank.tell(TimePassed{});
    EXPECT_THAT(first.commands, IsEmpty());
    EXPECT_THAT(first.build, ElementsAre(BuildOrder::start));
    EXPECT_EQ(crank.deadline(), std::nullopt) << "a build takes as long as it takes";
    const auto built = crank.tell(BuildGone{true});
    EXPECT_EQ(built.build_verdict, BuildVerdict::succeeded);
    EXPECT_THAT(built.commands, ElementsAre(Command(Spawn{})));
}

TEST(BrainBuild, a_change_is_built_and_the_worker_runs_on_until_it_has_succeeded) {
    Crank crank = running();
    auto advice = crank.changed("app.cpp");
    EXPECT_THAT(advice.commands, IsEmpty());
    EXPECT_THAT(advice.build, IsEmpty());
    advice = crank.ring();
    EXPECT_EQ(advice.changes->first_path, "app.cpp");
    EXPECT_THAT(advice.build, ElementsAre(BuildOrder::start));
    EXPECT_THAT(advice.commands, IsEmpty());
    EXPECT_TRUE(crank.is<Running>());
    EXPECT_THAT(crank.tell(BuildGone{true}).commands, ElementsAre(Command(SignalTree{})));
    EXPECT_THAT(crank.tell(TreeGone{}).commands, ElementsAre(Command(Spawn{})));
}

TEST(BrainBuild, a_failed_build_costs_the_worker_nothing_and_the_next_success_switches) {
    Crank crank = running();
    crank.changed("app.cpp");
    crank.ring();
    const auto failed = crank.tell(BuildGone{false});
    EXPECT_EQ(failed.build_verdict, BuildVerdict::failed);
    EXPECT_THAT(failed.commands, IsEmpty());
    EXPECT_TRUE(crank.is<Running>());
    crank.changed("app.cpp");
    crank.ring();
    EXPECT_THAT(crank.tell(BuildGone{true}).commands, ElementsAre(Command(SignalTree{})));
}

TEST(BrainBuild, a_save_during_a_build_ends_it_and_the_next_one_waits_for_its_tree) {
    Crank crank = running();
    crank.changed("app.cpp");
    crank.ring();
    EXPECT_THAT(crank.changed("app.cpp").build, ElementsAre(BuildOrder::ask));
    EXPECT_THAT(crank.ring().build, IsEmpty());  // settled, but something of it lives
    const auto gone = crank.tell(BuildGone{true});
    EXPECT_EQ(gone.build_verdict, BuildVerdict::none);
    EXPECT_THAT(gone.build, ElementsAre(BuildOrder::start));
}

TEST(BrainBuild, a_worker_that_crashes_during_a_build_waits_for_it) {
    Crank crank = running();
    crank.changed("app.cpp");
    crank.ring();
    crank.tell(LeaderEnded{Exited{ExitStatus{7, 0}}});
    crank.tell(TreeGone{});
    crank.now += seconds(60);
    EXPECT_THAT(crank.tell(TimePassed{}).commands, IsEmpty());
    EXPECT_THAT(crank.tell(BuildGone{true}).commands, ElementsAre(Command(Spawn{})));
}

TEST(BrainBuild, after_a_failed_build_a_crashed_worker_is_tried_again) {
    Crank crank = running();
    crank.changed("app.cpp");
    crank.ring();
    crank.tell(LeaderEnded{Exited{ExitStatus{7, 0}}});
    crank.tell(TreeGone{});
    crank.tell(BuildGone{false});
    EXPECT_THAT(crank.ring().commands, ElementsAre(Command(Spawn{})));
}

TEST(BrainBuild, a_first_build_that_fails_starts_nothing) {
    Crank crank;
    crank.tell(TimePassed{});
    EXPECT_THAT(crank.tell(BuildGone{false}).commands, IsEmpty());
    EXPECT_TRUE(crank.is<Waiting>());
    EXPECT_EQ(crank.deadline(), std::nullopt);
    crank.changed("app.cpp");
    EXPECT_THAT(crank.ring().build, ElementsAre(BuildOrder::start));
}

TEST(BrainBuild, with_nothing_watched_a_first_build_that_fails_is_the_end) {
    Crank crank(false);
    crank.tell(TimePassed{});
    EXPECT_THAT(crank.tell(BuildGone{false}).commands,
                ElementsAre(Command(Finish{exit_unavailable, 0})));
    Crank wrong(false);
    wrong.tell(TimePassed{});
    // A check that says 78: no retry cures that, and a service manager is told so.
    EXPECT_THAT(wrong.tell(BuildGone{false, true}).commands,
                ElementsAre(Command(Finish{exit_config, 0})));
    EXPECT_TRUE(crank.is<Finished>());
}

TEST(BrainBuild, a_restart_that_is_asked_for_is_built_first) {
    Crank crank = running();
    const auto asked = crank.tell(RestartRequested{});
    EXPECT_THAT(asked.commands, IsEmpty());
    EXPECT_THAT(asked.build, ElementsAre(BuildOrder::start));
    EXPECT_THAT(crank.tell(BuildGone{true}).commands, ElementsAre(Command(SignalTree{})));
}

TEST(BrainBuild, a_stop_ends_the_build_too) {
    Crank crank = running();
    crank.changed("app.cpp");
    crank.ring();
    const auto stop = crank.tell(StopRequested{15});
    EXPECT_THAT(stop.build, ElementsAre(BuildOrder::ask));
    EXPECT_THAT(stop.commands, ElementsAre(Command(SignalTree{})));
    EXPECT_THAT(crank.tell(BuildGone{true}).commands, IsEmpty());
    EXPECT_THAT(crank.tell(TreeGone{}).commands, ElementsAre(Command(Finish{0, 15})));
}

TEST(BrainBuild, an_end_that_the_policy_decides_ends_the_build_and_starts_no_other) {
    PolicyOptions policy;
    policy.on_crash = PolicyOptions::OnCrash::finish;
    policy.on_exit = PolicyOptions::OnExit::finish;
    for (const int code : {0, 7}) {
        Crank crank = running(policy);
        crank.changed("app.cpp");
        crank.ring();
        crank.tell(LeaderEnded{Exited{ExitStatus{code, 0}}});
        const auto gone = crank.tell(TreeGone{});
        ASSERT_FALSE(gone.commands.empty());
        EXPECT_EQ(gone.commands.back(), Command(Finish{code, 0}));
        EXPECT_THAT(gone.build, ElementsAre(BuildOrder::ask));
        EXPECT_THAT(crank.ring().build, ElementsAre(BuildOrder::kill)) << "it does not obey";
        EXPECT_THAT(crank.changed("app.cpp").build, IsEmpty());
        crank.now += milliseconds(500);
        EXPECT_THAT(crank.tell(TimePassed{}).build, IsEmpty());
        EXPECT_THAT(crank.tell(BuildGone{false}).build, IsEmpty());
        EXPECT_EQ(crank.deadline(), std::nullopt);
    }
}

// Asked once, not asked and killed.
TEST(BrainBuild, a_stop_without_a_worker_asks_the_build_to_end) {
    Crank crank;
    crank.tell(TimePassed{});
    const auto stop = crank.tell(StopRequested{15});
    EXPECT_THAT(stop.build, ElementsAre(BuildOrder::ask));
    EXPECT_THAT(stop.commands, ElementsAre(Command(Finish{0, 15})));
}

// ---- a pause: what was noted is forgotten when a build has begun with it, not earlier ----
TEST(BrainBuild, a_start_without_a_build_forgets_nothing_of_a_pause) {
    Crank crank = running();
    crank.tell(PauseRequested{});
    crank.changed("app.cpp");
    crank.tell(LeaderEnded{Exited{ExitStatus{7, 0}}});
    crank.tell(TreeGone{});
    EXPECT_THAT(crank.ring().commands, ElementsAre(Command(Spawn{})));
    EXPECT_EQ(crank.held(), 1U) << "the worker that was started is the old build";
    crank.now += seconds(10);
    crank.tell(ResumeRequested{});
    EXPECT_THAT(crank.ring().build, ElementsAre(BuildOrder::start));
}

TEST(BrainBuild, the_start_after_a_build_that_began_before_an_edit_forgets_it_neither) {
    Crank crank = running();
    crank.changed("app.cpp");
    crank.ring();
    crank.tell(PauseRequested{});
    crank.changed("b.cpp");
    EXPECT_THAT(crank.tell(BuildGone{true}).commands, ElementsAre(Command(SignalTree{})));
    EXPECT_THAT(crank.tell(TreeGone{}).commands, ElementsAre(Command(Spawn{})));
    EXPECT_EQ(crank.held(), 1U);
    crank.now += seconds(10);
    crank.tell(ResumeRequested{});
    const auto settled = crank.ring();
    EXPECT_THAT(settled.build, ElementsAre(BuildOrder::start));
    EXPECT_EQ(settled.changes->first_path, "b.cpp");
}

TEST(BrainBuild, a_build_that_is_asked_for_in_a_pause_has_what_was_noted) {
    Crank crank = running();
    crank.tell(PauseRequested{});
    crank.changed("app.cpp");
    EXPECT_THAT(crank.tell(RestartRequested{}).build, ElementsAre(BuildOrder::start));
    EXPECT_EQ(crank.held(), 0U);
    crank.tell(BuildGone{true});
    crank.tell(TreeGone{});
    EXPECT_THAT(crank.tell(ResumeRequested{}).build, IsEmpty());
    EXPECT_EQ(crank.deadline(), std::nullopt);
}

TEST(BrainBuild, what_every_build_writes_is_held_and_the_worker_is_switched) {
    Crank crank;
    crank.tell(TimePassed{});
    int builds = 1;
    bool spawned = false;
    for (; builds < 20 && !spawned; ++builds) {
        const auto advice = crank.changed("gen.h");
        if (!advice.held_build_write) crank.ring();
        spawned = !crank.tell(BuildGone{true}).commands.empty();
    }
    EXPECT_TRUE(spawned);
    EXPECT_LE(builds, 5);
    // And from then on, for an edit there is one build.
    crank.now += seconds(10);
    crank.changed("app.cpp");
    crank.ring();
    EXPECT_TRUE(crank.changed("gen.h").held_build_write);
    EXPECT_THAT(crank.tell(BuildGone{true}).commands, ElementsAre(Command(SignalTree{})));
}

}  // namespace
}  // namespace oneloop
