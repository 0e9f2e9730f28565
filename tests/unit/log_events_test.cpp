// log_events: the parts of each event, field by field.
#include "supervisor/log_events.h"

#include <gtest/gtest.h>

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<std::string> keys(const log::Event& event) {
    std::vector<std::string> names;
    for (const auto& field : event.fields)
        names.push_back(field.key);
    return names;
}

log::Value value(const log::Event& event, const std::string& key) {
    for (const auto& field : event.fields) {
        if (field.key == key) return field.value;
    }
    return std::string("missing");
}

const log::Value number(std::int64_t of) {
    return of;
}

TEST(LogEvents, a_change_lists_its_paths) {
    ChangeSummary summary{"a.py", 3, false};
    summary.others = {"b.py", "c.py"};
    const auto event = log_events::changed(summary);
    EXPECT_EQ(event.name, "changed");
    EXPECT_EQ(event.text, messages::changes(summary));
    EXPECT_EQ(value(event, "paths"), log::Value(std::vector<std::string>{"a.py", "b.py", "c.py"}));
    EXPECT_EQ(value(event, "count"), number(3));
    EXPECT_EQ(value(event, "events_lost"), log::Value(false));
    // An overflow alone names no file.
    EXPECT_EQ(value(log_events::changed({"", 0, true}), "paths"),
              log::Value(std::vector<std::string>{}));
}

TEST(LogEvents, a_first_start_has_neither_cause_nor_predecessor) {
    log_events::Start start;
    start.said.pid = 9;
    start.said.generation = 1;
    start.command = {"a", "b c"};
    const auto event = log_events::worker_started(start);
    EXPECT_EQ(keys(event), (std::vector<std::string>{"pid", "generation", "command", "start_ms"}));
    EXPECT_EQ(value(event, "command"), log::Value(std::vector<std::string>{"a", "b c"}));
}

TEST(LogEvents, a_restart_names_its_cause) {
    log_events::Start start;
    start.said.pid = 10;
    start.said.stopped_pid = 9;
    start.said.stop_took = milliseconds(120);
    start.said.stopped_by = "SIGTERM";
    start.said.start_took = milliseconds(3);
    start.cause = control::Cause{};
    start.cause->kind = "change";
    start.cause->paths = {"a.py"};
    start.cause->count = 1;
    const auto event = log_events::worker_started(start);
    EXPECT_EQ(value(event, "old_pid"), number(9));
    EXPECT_EQ(value(event, "stop_ms"), number(120));
    EXPECT_EQ(value(event, "start_ms"), number(3));
    EXPECT_EQ(value(event, "cause"), log::Value(std::string("change")));
    EXPECT_EQ(value(event, "paths"), log::Value(std::vector<std::string>{"a.py"}));
    start.cause->kind = "request";
    EXPECT_EQ(value(log_events::worker_started(start), "paths"),
              log::Value(std::string("missing")));
}

TEST(LogEvents, ends_say_how_and_what_follows) {
    const auto crash = log_events::worker_ended(
        {Exited{ExitStatus{7, 0}}, seconds(1), RespawnAfter{milliseconds(500)}, true, 2}, 9, 3);
    EXPECT_EQ(crash.level, log::Level::warn);
    EXPECT_EQ(keys(crash), (std::vector<std::string>{"pid", "exit", "lived_ms", "failure",
                                                     "quick_failures", "next", "delay_ms"}));
    EXPECT_EQ(value(crash, "delay_ms"), number(500));
    const auto killed =
        log_events::worker_ended({Exited{ExitStatus{0, 11}}, {}, WaitForChange{}, true, 3}, 9, 3);
    EXPECT_EQ(value(killed, "signal"), log::Value(std::string("SIGSEGV")));
    EXPECT_EQ(value(killed, "next"), log::Value(std::string("wait")));
    const auto done = log_events::worker_ended({Exited{}, {}, FinishWith{0}, false, 0}, 9, 3);
    EXPECT_EQ(done.level, log::Level::info);
    EXPECT_EQ(value(done, "next"), log::Value(std::string("exit")));
    const auto none = log_events::worker_ended(
        {NotStarted{NotStarted::Stage::exec, 2, "exec x: gone"}, {}, FinishWith{127}, true, 0}, 0,
        3);
    EXPECT_EQ(none.name, "worker_not_started");
    EXPECT_EQ(value(none, "errno"), number(2));
    EXPECT_EQ(value(none, "code"), number(127));
}

TEST(LogEvents, killed_and_stuck_are_two_events) {
    EXPECT_EQ(log_events::stop_timeout(Stopping::Step::killing, 9, seconds(2), 15).name,
              "worker_killed");
    EXPECT_EQ(log_events::stop_timeout(Stopping::Step::forced, 9, seconds(4), 15).name,
              "worker_stuck");
}

}  // namespace
}  // namespace oneloop
