// brain and a worker that writes a watched file at each start: the loop is stopped, and whatever
// else asks for a restart gets it.
#include <gmock/gmock.h>

#include <climits>
#include <string>

#include "supervisor/brain.h"

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

// A brain, a clock, and a worker that writes gen.py 300 ms after each of its starts and stops when
// told to.
class BrainOwnWrites : public testing::Test {
  protected:
    Advice tell(const Input& input) {
        Advice advice = brain.step(input, now);
        if (advice.held_own_write) held.push_back(*advice.held_own_write);
        if (advice.changes) changes.push_back(*advice.changes);
        for (const auto& command : advice.commands) {
            if (std::holds_alternative<Spawn>(command)) {
                ++starts;
                since = now;
                write_due = now + milliseconds(300);
            } else if (std::holds_alternative<SignalTree>(command)) {
                told_to_stop = true;
            }
        }
        return advice;
    }
    Advice changed(const std::string& path, bool could_be_own = true) {
        return tell(FileChanged{path, ChangeKind::written, could_be_own});
    }
    // What happens by itself until then.
    void run_until(SteadyTime end) {
        while (true) {
            if (told_to_stop) {
                told_to_stop = false;
                write_due.reset();
                now += milliseconds(1);
                if (!std::holds_alternative<Stopping>(brain.lifecycle().state)) continue;
                tell(LeaderEnded{Exited{exits_with.value_or(ExitStatus{0, 15})}});
                told_to_stop = false;
                tell(TreeGone{});
                continue;
            }
            auto next = end;
            if (const auto due = brain.deadline()) next = std::min(next, std::max(now, *due));
            const bool write = writes && write_due && *write_due <= next;
            if (write) next = *write_due;
            now = std::max(now, next);
            if (write) {
                write_due.reset();
                changed("gen.py");
                if (exits_with && !told_to_stop) {
                    tell(LeaderEnded{Exited{*exits_with}});
                    told_to_stop = false;
                    tell(TreeGone{});
                }
            } else if (next >= end) {
                return;
            } else {
                tell(TimePassed{});
            }
        }
    }
    void run_for(Duration time) { run_until(now + time); }

    [[nodiscard]] bool running() const {
        return std::holds_alternative<Running>(brain.lifecycle().state);
    }

    Brain brain{{}, {}};
    SteadyTime now = SteadyTime{} + std::chrono::hours(1);
    SteadyTime since;
    bool writes = true;
    std::optional<ExitStatus> exits_with;  // right after its write
    std::optional<SteadyTime> write_due;
    bool told_to_stop = false;
    int starts = 0;
    std::vector<OwnWrites::Held> held;
    std::vector<ChangeSummary> changes;
};

TEST_F(BrainOwnWrites, the_loop_is_stopped_after_two_restarts_and_said_once) {
    run_for(seconds(60));
    EXPECT_EQ(starts, 3);
    EXPECT_TRUE(running());
    EXPECT_EQ(brain.deadline(), std::nullopt) << "nothing wakes it for what it holds";
    ASSERT_EQ(held.size(), 1U);
    EXPECT_EQ(held[0], (OwnWrites::Held{"gen.py", milliseconds(300), true}));
    EXPECT_THAT(brain.own_writes().held(), ElementsAre("gen.py"));
    EXPECT_EQ(changes.size(), 2U);
}

// The same worker with the limit out of reach: some three restarts a second, without an end.
TEST_F(BrainOwnWrites, control_without_the_limit_it_goes_on) {
    OwnWrites::Options options;
    options.generations = INT_MAX;
    brain = Brain({}, {}, options);
    run_for(seconds(60));
    EXPECT_GT(starts, 100);
    EXPECT_THAT(held, IsEmpty());
}

TEST_F(BrainOwnWrites, another_file_restarts_and_the_write_is_held_at_once) {
    run_for(seconds(1));
    ASSERT_EQ(starts, 3);
    for (int round = 4; round < 10; ++round) {
        EXPECT_THAT(changed("app.py").commands, ElementsAre(Command(SignalTree{})));
        run_for(seconds(20));
        EXPECT_EQ(starts, round);
        EXPECT_EQ(changes.back(), (ChangeSummary{"app.py", 1, false}));
    }
    EXPECT_EQ(held.size(), 7U) << "said once per start";
}

TEST_F(BrainOwnWrites, a_burst_with_other_files_restarts_for_the_others) {
    run_for(seconds(1));
    changed("gen.py");
    EXPECT_THAT(changed("app.py").commands, ElementsAre(Command(SignalTree{})));
    changed("gen.py");
    changed("b.py");
    run_for(seconds(1));
    EXPECT_EQ(starts, 4);
    EXPECT_EQ(changes.back(), (ChangeSummary{"app.py", 2, false, {"b.py"}}));
}

TEST_F(BrainOwnWrites, a_request_and_lost_events_restart_as_always) {
    run_for(seconds(1));
    tell(RestartRequested{});
    run_for(seconds(1));
    EXPECT_EQ(starts, 4);
    tell(EventsLost{});
    run_for(seconds(1));
    EXPECT_EQ(starts, 5);
    EXPECT_TRUE(running());
}

TEST_F(BrainOwnWrites, a_stop_ends_while_something_is_held) {
    run_for(milliseconds(950));
    tell(StopRequested{15, false});
    run_for(seconds(20));
    EXPECT_TRUE(std::holds_alternative<Finished>(brain.lifecycle().state));
}

TEST_F(BrainOwnWrites, a_save_after_quiet_restarts_once) {
    run_for(seconds(20));
    ASSERT_EQ(starts, 3);
    EXPECT_THAT(changed("gen.py").commands, ElementsAre(Command(SignalTree{})));
    run_for(seconds(20));
    EXPECT_EQ(starts, 4);
    EXPECT_EQ(held.size(), 2U);
}

// As root, who wrote it is known.
TEST_F(BrainOwnWrites, somebody_elses_save_restarts_without_waiting) {
    run_for(seconds(1));
    ASSERT_EQ(starts, 3);
    for (int round = 4; round < 10; ++round) {
        EXPECT_THAT(changed("gen.py", false).commands, ElementsAre(Command(SignalTree{})));
        run_for(milliseconds(400));
        EXPECT_EQ(starts, round);
    }
}

TEST_F(BrainOwnWrites, forgiven_it_restarts_again) {
    run_for(seconds(1));
    writes = false;  // its author has cured it
    changed("app.py");
    run_for(seconds(6));
    EXPECT_EQ(starts, 4);
    writes = true;
    changed("app.py");
    run_for(seconds(60));
    EXPECT_EQ(starts, 7) << "it begins anew, and is stopped anew";
}

// A change forgives failures. One that the worker makes itself must not, or it crashes for ever.
TEST_F(BrainOwnWrites, a_worker_that_writes_and_crashes_backs_off) {
    exits_with = ExitStatus{7, 0};
    run_for(seconds(60));
    EXPECT_EQ(starts, 5) << "two restarts for the writes, then three quick failures";
    EXPECT_TRUE(std::holds_alternative<Waiting>(brain.lifecycle().state));
    EXPECT_THAT(changed("gen.py").commands, IsEmpty()) << "nobody lives: it is news";
    exits_with.reset();
    run_for(seconds(1));
    EXPECT_EQ(starts, 6);
}

TEST_F(BrainOwnWrites, during_a_pause_it_is_not_noted) {
    run_for(seconds(10));
    tell(PauseRequested{});
    tell(RestartRequested{});
    run_for(seconds(10));
    EXPECT_EQ(starts, 4);
    EXPECT_EQ(brain.held_changes(), 0U);
    changed("app.py");
    EXPECT_EQ(brain.held_changes(), 1U);
    tell(ResumeRequested{});
    run_for(seconds(10));
    EXPECT_EQ(starts, 5);
}

TEST_F(BrainOwnWrites, suspects_are_named_from_the_second_time_on) {
    std::vector<std::vector<std::string>> told;
    run_for(milliseconds(299));
    for (int i = 0; i < 3; ++i) {
        now = since + milliseconds(300);
        write_due.reset();
        const auto advice = changed("gen.py");
        if (advice.suspects) told.push_back(*advice.suspects);
        run_for(milliseconds(10));
    }
    EXPECT_THAT(told, ElementsAre(ElementsAre("gen.py")));
    EXPECT_TRUE(brain.own_writes().suspects("gen.py"));
    EXPECT_FALSE(brain.own_writes().suspects("app.py"));
}

}  // namespace
}  // namespace oneloop
