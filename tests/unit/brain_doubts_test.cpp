// brain: what is no change leaves a running worker alone, and what may be one is never lost.
#include <gmock/gmock.h>

#include "supervisor/brain.h"

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

class BrainDoubts : public testing::Test {
  protected:
    BrainDoubts() {
        EXPECT_THAT(ring().commands, ElementsAre(Command(Spawn{})));
        now += seconds(10);
    }
    Advice tell(const Input& input) { return brain.step(input, now); }
    Advice saved(const std::string& path) { return tell(FileChanged{path}); }
    Advice same(const std::string& path) { return tell(FileUnchanged{path}); }
    Advice fresh(const std::string& path) {
        return tell(FileChanged{path, ChangeKind::written, true, true});
    }
    Advice removed(const std::string& path) { return tell(FileChanged{path, ChangeKind::removed}); }
    Advice ring() {
        if (const auto due = brain.deadline()) now = std::max(now, *due);
        return tell(TimePassed{});
    }
    [[nodiscard]] bool runs() const {
        return std::holds_alternative<Running>(brain.lifecycle().state);
    }
    // Until nothing is due any more; true when the worker was told to stop.
    bool told_to_stop() {
        for (int i = 0; i < 10 && runs() && brain.deadline(); ++i)
            ring();
        return !runs();
    }

    SteadyTime now = SteadyTime{} + std::chrono::hours(1);
    Brain brain{{}, {}};
};

TEST_F(BrainDoubts, the_same_bytes_cost_nothing_but_a_line) {
    EXPECT_THAT(same("app.py").commands, IsEmpty());
    const auto advice = ring();
    EXPECT_EQ(advice.unchanged, (SameSaves::Summary{"app.py", 1}));
    EXPECT_FALSE(advice.changes.has_value());
    EXPECT_TRUE(runs());
    EXPECT_EQ(brain.deadline(), std::nullopt);
}

TEST_F(BrainDoubts, other_bytes_stop_the_worker_in_the_same_step) {
    EXPECT_THAT(saved("app.py").commands, ElementsAre(Command(SignalTree{})));
}

TEST_F(BrainDoubts, gone_and_back_with_the_same_bytes_is_nothing) {
    EXPECT_THAT(removed("app.py").commands, IsEmpty());
    now += milliseconds(5);
    same("app.py");
    EXPECT_FALSE(told_to_stop());
}

TEST_F(BrainDoubts, gone_and_back_with_other_bytes_stops_at_once) {
    removed("app.py");
    now += milliseconds(5);
    EXPECT_THAT(saved("app.py").commands, ElementsAre(Command(SignalTree{})));
    tell(TreeGone{});
    const SteadyTime before = now;
    EXPECT_THAT(ring().commands, ElementsAre(Command(Spawn{})));
    EXPECT_EQ(now - before, milliseconds(3)) << "it is not absent any more";
}

TEST_F(BrainDoubts, gone_for_good_counts_and_its_return_will) {
    removed("app.py");
    const SteadyTime before = now;
    const auto advice = ring();
    EXPECT_EQ(now - before, milliseconds(50));
    EXPECT_THAT(advice.commands, ElementsAre(Command(SignalTree{})));
    EXPECT_THAT(advice.counted_removals, ElementsAre("app.py"));
}

TEST_F(BrainDoubts, a_formatters_temporary_file_is_nothing) {
    fresh("sedX");
    now += milliseconds(1);
    EXPECT_THAT(removed("sedX").counted_removals, ElementsAre("sedX"));
    same("app.py");
    EXPECT_FALSE(told_to_stop());
}

TEST_F(BrainDoubts, a_new_file_counts_after_the_quiet_time) {
    EXPECT_THAT(fresh("b.py").commands, IsEmpty());
    same("b.py");  // closed after it was read: still new
    const SteadyTime before = now;
    EXPECT_THAT(ring().commands, ElementsAre(Command(SignalTree{})));
    EXPECT_EQ(now - before, milliseconds(3));
}

TEST_F(BrainDoubts, a_change_ends_all_doubt_and_a_file_that_is_absent_is_waited_for) {
    removed("b.py");
    saved("a.py");
    tell(TreeGone{});
    const SteadyTime before = now;
    EXPECT_THAT(ring().commands, ElementsAre(Command(Spawn{})));
    EXPECT_EQ(now - before, milliseconds(50));
}

// A worker that is started while a file is absent has not seen it, whatever is in it when it is
// back.
TEST_F(BrainDoubts, no_start_falls_into_a_doubt) {
    const std::vector<Input> ends = {LeaderEnded{Exited{ExitStatus{3, 0}}}, TreeGone{},
                                     RestartRequested{}, EventsLost{}};
    for (const auto& end : ends) {
        SCOPED_TRACE(end.index());
        Brain fresh_brain{{}, {}};
        brain = fresh_brain;
        ring();
        now += seconds(10);
        removed("b.py");
        const auto advice = tell(end);
        EXPECT_THAT(advice.counted_removals, ElementsAre("b.py"));
        EXPECT_THAT(advice.commands, testing::Not(Contains(Command(Spawn{}))));
        EXPECT_TRUE(brain.lifecycle().gathering);
    }
}

TEST_F(BrainDoubts, during_a_pause_a_removal_is_noted) {
    tell(PauseRequested{});
    removed("b.py");
    ring();
    EXPECT_TRUE(runs());
    EXPECT_EQ(brain.held_changes(), 1U);
    EXPECT_THAT(tell(ResumeRequested{}).commands, ElementsAre(Command(SignalTree{})));
}

TEST_F(BrainDoubts, a_change_in_the_same_burst_makes_the_line_superfluous) {
    same("a.py");
    saved("b.py");
    tell(TreeGone{});
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(ring().unchanged, std::nullopt);
}

}  // namespace
}  // namespace oneloop
