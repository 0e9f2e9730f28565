// brain: gate and lifecycle together, cranked with a clock that the test turns.
#include "supervisor/brain.h"

#include <gmock/gmock.h>

#include <string>

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

// A brain, a clock, and what the loop would do with both.
class Crank {
  public:
    explicit Crank(LifecycleOptions options = {}) : brain_(options, {}) {}

    Advice tell(const Input& input) { return brain_.step(input, now); }
    Advice changed(const std::string& path, ChangeKind kind = ChangeKind::written) {
        return tell(FileChanged{path, kind});
    }
    // Advances to the deadline and lets time pass, as the loop's timer does.
    Advice ring() {
        const auto due = brain_.deadline();
        EXPECT_TRUE(due.has_value()) << "nothing is due";
        if (!due) return {};
        now = std::max(now, *due);
        return tell(TimePassed{});
    }
    void wait(milliseconds time) { now += time; }

    [[nodiscard]] std::optional<SteadyTime> deadline() const { return brain_.deadline(); }
    template <class T>
    [[nodiscard]] bool is() const {
        return std::holds_alternative<T>(brain_.lifecycle().state);
    }

    SteadyTime now = SteadyTime{} + std::chrono::hours(1);

  private:
    Brain brain_;
};

Crank running(LifecycleOptions options = {}) {
    Crank crank(options);
    EXPECT_THAT(crank.ring().commands, ElementsAre(Command(Spawn{})));
    crank.wait(seconds(10));
    return crank;
}

LeaderEnded ended(int code) {
    return {Exited{ExitStatus{code, 0}}};
}

TEST(Brain, the_first_worker_is_due_at_once) {
    Crank crank;
    ASSERT_TRUE(crank.deadline().has_value());
    EXPECT_LE(*crank.deadline(), crank.now);
    EXPECT_THAT(crank.ring().commands, ElementsAre(Command(Spawn{})));
    EXPECT_TRUE(crank.is<Running>());
}

TEST(Brain, nothing_is_due_while_a_worker_runs) {
    Crank crank = running();
    EXPECT_EQ(crank.deadline(), std::nullopt);
    for (int i = 0; i < 100; ++i) {
        crank.wait(seconds(60));
        const auto advice = crank.tell(TimePassed{});
        ASSERT_THAT(advice.commands, IsEmpty());
        ASSERT_EQ(advice.changes, std::nullopt);
    }
}

TEST(Brain, nothing_is_due_while_waiting_for_a_change) {
    Crank crank = running();
    crank.tell(ended(0));
    crank.tell(TreeGone{});
    EXPECT_TRUE(crank.is<Waiting>());
    EXPECT_EQ(crank.deadline(), std::nullopt);
    crank.wait(seconds(3600));
    EXPECT_THAT(crank.tell(TimePassed{}).commands, IsEmpty());
}

TEST(Brain, a_change_stops_at_once_and_starts_only_when_it_has_settled) {
    Crank crank = running();
    const auto first = crank.changed("app.py");
    EXPECT_THAT(first.commands, ElementsAre(Command(SignalTree{})));
    EXPECT_EQ(first.changes, std::nullopt);
    EXPECT_THAT(crank.tell(ended(0)).commands, ElementsAre(Command(SignalTree{})));
    EXPECT_THAT(crank.tell(TreeGone{}).commands, IsEmpty()) << "the burst is not over";
    EXPECT_TRUE(crank.is<Waiting>());
    EXPECT_EQ(crank.deadline(), crank.now + milliseconds(3));
    const auto settled = crank.ring();
    EXPECT_THAT(settled.commands, ElementsAre(Command(Spawn{})));
    EXPECT_EQ(settled.changes, (ChangeSummary{"app.py", 1, false}));
}

TEST(Brain, a_tree_that_goes_after_the_burst_is_followed_at_once) {
    Crank crank = running();
    crank.changed("app.py");
    const auto settled = crank.ring();
    EXPECT_THAT(settled.commands, IsEmpty()) << "the old one still lives";
    EXPECT_EQ(settled.changes, (ChangeSummary{"app.py", 1, false}));
    crank.wait(milliseconds(100));
    EXPECT_THAT(crank.tell(TreeGone{}).commands, ElementsAre(Command(Spawn{})));
}

TEST(Brain, a_summary_counts_each_path_once_and_names_the_first) {
    Crank crank = running();
    for (const char* path : {"b.py", "a.py", "b.py", "c.py", "a.py", "b.py"})
        crank.changed(path);
    EXPECT_EQ(crank.ring().changes, (ChangeSummary{"b.py", 3, false, {"a.py", "c.py"}}));
}

TEST(Brain, a_summary_is_said_once_and_starts_empty) {
    Crank crank = running();
    crank.changed("a.py");
    EXPECT_TRUE(crank.ring().changes.has_value());
    EXPECT_EQ(crank.tell(TimePassed{}).changes, std::nullopt);
    crank.changed("a.py");
    EXPECT_EQ(crank.ring().changes, (ChangeSummary{"a.py", 1, false}));
}

TEST(Brain, a_thousand_distinct_paths_are_counted_exactly) {
    Crank crank = running();
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 999; ++i)
            crank.changed("file" + std::to_string(i));
    }
    const auto changes = crank.ring().changes;
    EXPECT_EQ(changes->first_path, "file0");
    EXPECT_EQ(changes->count, 999U);
    EXPECT_EQ(changes->others.size(), 20U) << "the names of all would fill a page";
}

TEST(Brain, lost_events_are_a_change) {
    Crank crank = running();
    EXPECT_THAT(crank.tell(EventsLost{}).commands, ElementsAre(Command(SignalTree{})));
    crank.tell(TreeGone{});
    const auto settled = crank.ring();
    EXPECT_EQ(settled.changes, (ChangeSummary{"", 0, true}));
    EXPECT_THAT(settled.commands, ElementsAre(Command(Spawn{})));
}

TEST(Brain, lost_events_are_forgotten_with_their_burst) {
    Crank crank = running();
    crank.tell(EventsLost{});
    crank.changed("a.py");
    EXPECT_EQ(crank.ring().changes, (ChangeSummary{"a.py", 1, true}));
    crank.changed("b.py");
    EXPECT_EQ(crank.ring().changes, (ChangeSummary{"b.py", 1, false}));
}

TEST(Brain, the_deadline_is_the_earlier_of_burst_and_stop) {
    LifecycleOptions options;
    options.stop_timeout = milliseconds(20);
    Crank crank = running(options);
    const SteadyTime begin = crank.now;
    crank.changed("a.py");
    EXPECT_EQ(crank.deadline(), begin + milliseconds(3));
    crank.changed("a.py", ChangeKind::removed);
    EXPECT_EQ(crank.deadline(), begin + milliseconds(20)) << "the stop, before the removal's 50 ms";
    EXPECT_THAT(
        crank.ring().commands,
        ElementsAre(Command(KillTree{false}), Command(ReportStopTimeout{Stopping::Step::killing})));
    EXPECT_EQ(crank.deadline(), begin + milliseconds(50));
    EXPECT_TRUE(crank.ring().changes.has_value());
    EXPECT_EQ(crank.deadline(), begin + milliseconds(20) + options.kill_timeout);
}

TEST(Brain, what_no_kill_ends_is_killed_again_and_again_and_said_once) {
    Crank crank = running();
    crank.tell(StopRequested{});
    crank.ring();
    EXPECT_THAT(
        crank.ring().commands,
        ElementsAre(Command(KillTree{true}), Command(ReportStopTimeout{Stopping::Step::forced})));
    for (int i = 0; i < 10; ++i) {
        EXPECT_THAT(crank.ring().commands, ElementsAre(Command(KillTree{true})));
    }
}

TEST(Brain, a_due_burst_is_settled_before_what_has_just_happened) {
    Crank crank = running();
    crank.changed("a.py");
    crank.tell(TreeGone{});
    crank.wait(milliseconds(10));  // the timer is late; another change comes first
    const auto advice = crank.changed("b.py");
    EXPECT_EQ(advice.changes, (ChangeSummary{"a.py", 1, false}));
    EXPECT_THAT(advice.commands, ElementsAre(Command(Spawn{}), Command(SignalTree{})));
    crank.tell(TreeGone{});
    EXPECT_EQ(crank.ring().changes, (ChangeSummary{"b.py", 1, false}));
    EXPECT_TRUE(crank.is<Running>());
}

TEST(Brain, an_edit_during_the_start_leads_to_a_second_start) {
    Crank crank;
    crank.ring();
    EXPECT_THAT(crank.changed("a.py").commands, ElementsAre(Command(SignalTree{})));
    crank.tell(LeaderEnded{Exited{ExitStatus{0, 15}}});
    crank.tell(TreeGone{});
    EXPECT_THAT(crank.ring().commands, ElementsAre(Command(Spawn{})));
}

TEST(Brain, an_edit_while_stopping_is_not_signalled_twice_and_not_lost) {
    Crank crank = running();
    EXPECT_THAT(crank.tell(RestartRequested{}).commands, ElementsAre(Command(SignalTree{})));
    crank.wait(milliseconds(100));
    const auto during = crank.changed("a.py");
    EXPECT_THAT(during.commands, IsEmpty());
    EXPECT_THAT(crank.tell(TreeGone{}).commands, IsEmpty());
    EXPECT_THAT(crank.ring().commands, ElementsAre(Command(Spawn{})));
}

TEST(Brain, edits_while_stopping_do_not_move_the_stop) {
    Crank crank = running();
    const SteadyTime begin = crank.now;
    crank.changed("a.py");
    int kills = 0;
    while (crank.now < begin + seconds(10)) {
        crank.wait(milliseconds(1));
        for (const auto& command : crank.changed("a.py").commands)
            kills += std::holds_alternative<KillTree>(command);
    }
    for (const auto& command : crank.tell(TimePassed{}).commands)
        kills += std::holds_alternative<KillTree>(command);
    EXPECT_EQ(kills, 1);
}

TEST(Brain, a_change_cuts_the_back_off_short) {
    Crank crank;
    crank.ring();
    crank.tell(ended(1));
    crank.tell(TreeGone{});
    EXPECT_EQ(crank.deadline(), crank.now + milliseconds(500));
    crank.wait(milliseconds(10));
    EXPECT_THAT(crank.changed("a.py").commands, IsEmpty());
    EXPECT_EQ(crank.deadline(), crank.now + milliseconds(3));
    EXPECT_THAT(crank.ring().commands, ElementsAre(Command(Spawn{})));
}

TEST(Brain, a_stop_during_a_burst_finishes_and_starts_nothing) {
    Crank crank = running();
    crank.changed("a.py");
    EXPECT_THAT(crank.tell(StopRequested{15, false}).commands, IsEmpty());
    EXPECT_THAT(crank.tell(TreeGone{}).commands, ElementsAre(Command(Finish{0, 15})));
    EXPECT_TRUE(crank.is<Finished>());
    crank.wait(seconds(5));
    EXPECT_THAT(crank.tell(TimePassed{}).commands, IsEmpty());
    EXPECT_EQ(crank.deadline(), std::nullopt);
}

// sed -i, and every editor that writes beside the file and renames: what people know is the file.
TEST(Brain, a_temporary_file_is_not_named) {
    Crank crank = running();
    crank.changed("sedXb2Q1k");
    crank.changed("sedXb2Q1k", ChangeKind::removed);
    crank.changed("app.py");
    crank.tell(TreeGone{});
    const auto advice = crank.ring();
    ASSERT_TRUE(advice.changes.has_value());
    EXPECT_EQ(*advice.changes, (ChangeSummary{"app.py", 1, false}));
}

TEST(Brain, a_file_that_was_written_and_removed_alone_is_named) {
    Crank crank = running();
    crank.changed("app.py");
    crank.changed("app.py", ChangeKind::removed);
    crank.tell(TreeGone{});
    EXPECT_EQ(crank.ring().changes, (ChangeSummary{"app.py", 1, false}));
}

}  // namespace
}  // namespace oneloop
