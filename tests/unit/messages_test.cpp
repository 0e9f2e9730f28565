// messages: every sentence of the supervisor's console, word for word.
#include "supervisor/messages.h"

#include <gtest/gtest.h>

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Stage = NotStarted::Stage;

TEST(Messages, seconds) {
    struct Row {
        milliseconds duration;
        const char* text;
    };
    const Row table[] = {
        {milliseconds(0), "0ms"},           {milliseconds(4), "4ms"},
        {milliseconds(120), "0.12s"},       {milliseconds(500), "0.50s"},
        {milliseconds(1000), "1.0s"},       {milliseconds(3000), "3.0s"},
        {milliseconds(59'900), "59.9s"},    {milliseconds(60'000), "1min 0s"},
        {milliseconds(125'000), "2min 5s"}, {milliseconds(3'600'000), "60min 0s"},
    };
    for (const auto& row : table)
        EXPECT_EQ(messages::seconds(row.duration), row.text);
}

TEST(Messages, changes) {
    EXPECT_EQ(messages::changes({"app.py", 1, false}), "changed: app.py; restarting");
    EXPECT_EQ(messages::changes({"app.py", 2, false}), "changed: app.py (+1 more); restarting");
    EXPECT_EQ(messages::changes({"a{}b", 301, false}), "changed: a{}b (+300 more); restarting");
    for (const std::size_t count : {0U, 1U, 5U}) {
        EXPECT_EQ(messages::changes({"app.py", count, true}),
                  "the event queue overflowed: anything may have changed; restarting");
    }
}

TEST(Messages, the_first_start_shows_the_command) {
    EXPECT_EQ(messages::started({4711, 1, "python3 app.py", 0, {}, "", "", milliseconds(3)}),
              "worker 4711 started in 3ms (generation 1): python3 app.py");
}

TEST(Messages, a_restart_shows_how_the_old_one_went) {
    const messages::Start start{4802,     2,  "python3 app.py", 4711, milliseconds(120),
                                "SIGINT", "", milliseconds(2),  ""};
    EXPECT_EQ(messages::started(start),
              "worker 4711 stopped in 0.12s (SIGINT); worker 4802 started in 2ms (generation 2)");
}

TEST(Messages, one_line_says_why_who_and_how_long) {
    control::Cause cause;
    cause.kind = "change";
    cause.text = "app.py (+2 more)";
    messages::Start start{4802, 2, "python3 app.py", 4711, milliseconds(3), "SIGTERM"};
    start.start_took = milliseconds(1);
    start.why = messages::why(cause);
    EXPECT_EQ(messages::started(start),
              "changed: app.py (+2 more); worker 4711 stopped in 3ms (SIGTERM); "
              "worker 4802 started in 1ms (generation 2)");
}

TEST(Messages, what_a_line_of_its_own_has_told_is_not_told_again) {
    control::Cause cause;
    cause.text = "crashed: exit 7";
    for (const char* kind : {"crash", "reload", "exit"}) {
        cause.kind = kind;
        EXPECT_EQ(messages::why(cause), "") << kind;
    }
    cause = {};
    cause.kind = "request";
    cause.text = "asked for by SIGUSR1";
    EXPECT_EQ(messages::why(cause), "asked for by SIGUSR1");
}

TEST(Messages, ends) {
    const Exited done{};
    const Exited exit3{ExitStatus{3, 0}};
    const Exited exit7{ExitStatus{7, 0}};
    const Exited segv{ExitStatus{0, 11}};
    struct Row {
        ReportEnd report;
        const char* text;
    };
    const Row table[] = {
        {{done, seconds(5), WaitForChange{}, false, 0},
         "worker 9 is done (exit 0) after 5.0s; waiting for a change"},
        {{done, seconds(5), FinishWith{0}, false, 0},
         "worker 9 is done (exit 0) after 5.0s; ending"},
        {{done, seconds(5), RespawnAfter{}, false, 0},
         "worker 9 is done (exit 0) after 5.0s; restarting"},
        {{done, milliseconds(10), RespawnAfter{milliseconds(500)}, true, 1},
         "worker 9 is done (exit 0) after 10ms; restarting in 0.50s (1 of 3 quick failures)"},
        {{exit3, seconds(5), RespawnAfter{}, false, 0},
         "worker 9 asked for a restart (exit 3); restarting"},
        {{exit3, milliseconds(10), RespawnAfter{milliseconds(500)}, true, 1},
         "worker 9 crashed: exit 3 after 10ms; restarting in 0.50s (1 of 3 quick failures)"},
        {{exit7, milliseconds(300), RespawnAfter{seconds(1)}, true, 2},
         "worker 9 crashed: exit 7 after 0.30s; restarting in 1.0s (2 of 3 quick failures)"},
        {{exit7, seconds(90), RespawnAfter{milliseconds(500)}, true, 0},
         "worker 9 crashed: exit 7 after 1min 30s; restarting in 0.50s"},
        {{exit7, milliseconds(300), RespawnAfter{seconds(30)}, true, 17},
         "worker 9 crashed: exit 7 after 0.30s; restarting in 30.0s (3 of 3 quick failures)"},
        {{segv, milliseconds(300), WaitForChange{}, true, 3},
         "worker 9 crashed: SIGSEGV after 0.30s; 3 quick failures; waiting for a change"},
        {{NotStarted{Stage::exec, 2, "exec ./app: No such file or directory"},
          {},
          FinishWith{127},
          true,
          0},
         "not started: exec ./app: No such file or directory; ending"},
        {{NotStarted{Stage::spawn, 11, "fork: Resource temporarily unavailable"},
          {},
          RespawnAfter{milliseconds(500)},
          true,
          1},
         "not started: fork: Resource temporarily unavailable; "
         "restarting in 0.50s (1 of 3 quick failures)"},
        {{NotStarted{Stage::lock_busy, 0, "/x/worker.lock"},
          {},
          RespawnAfter{milliseconds(500)},
          true,
          0},
         "/x/worker.lock is held by somebody else, no second worker is started; "
         "restarting in 0.50s"},
    };
    for (const auto& row : table)
        EXPECT_EQ(messages::ended(row.report, 9, 3), row.text);
}

TEST(Messages, every_code_and_signal_is_told_by_its_name) {
    for (int code = 1; code < 256; ++code) {
        if (code == exit_config) continue;
        const auto text = messages::ended(
            {Exited{ExitStatus{code, 0}}, {}, RespawnAfter{seconds(1)}, true, 1}, 9, 3);
        EXPECT_EQ(text.rfind("worker 9 crashed: exit " + std::to_string(code) + " after", 0), 0U);
    }
    for (int signal = 1; signal <= 64; ++signal) {
        const auto text = messages::ended(
            {Exited{ExitStatus{0, signal}}, {}, RespawnAfter{seconds(1)}, true, 1}, 9, 3);
        EXPECT_EQ(text.rfind("worker 9 crashed: " + signal_name(signal) + " after", 0), 0U);
    }
}

TEST(Messages, a_configuration_error_is_no_crash) {
    EXPECT_EQ(
        messages::ended({Exited{ExitStatus{exit_config, 0}}, {}, WaitForChange{}, true, 0}, 9, 3),
        "worker 9 has a configuration error (exit 78); waiting for a change");
}

TEST(Messages, own_writes) {
    EXPECT_EQ(
        messages::own_write({"app/gen.py", milliseconds(300), true}, "app/gen.py"),
        "app/gen.py changed 0.30s after the start, as after those before: the worker seems to "
        "write it itself, so this restarts nothing. If so, start with: --ignore app/gen.py   "
        "(was it you? save it again in 5s, or: supervisor restart)");
    EXPECT_EQ(messages::own_write({"a\nb", milliseconds(1200), true}, std::nullopt),
              "a?b changed 1.2s after the start, as after those before: the worker seems to write "
              "it itself, so this restarts nothing. If so, leave it out of --watch   (was it you? "
              "save it again in 5s, or: supervisor restart)");
}

TEST(Messages, quoted_for_a_shell) {
    const std::pair<const char*, const char*> rows[] = {{"app/gen.py", "app/gen.py"},
                                                        {"a b", "'a b'"},
                                                        {"a\\*", "'a\\*'"},
                                                        {"it's", "'it'\\''s'"},
                                                        {"$(rm x)", "'$(rm x)'"},
                                                        {"~x", "'~x'"},
                                                        {"", "''"},
                                                        {"caf\xc3\xa9", "'caf\xc3\xa9'"}};
    for (const auto& [argument, text] : rows)
        EXPECT_EQ(messages::quoted(argument), text);
}

TEST(Messages, a_worker_that_gives_no_sign) {
    const Unresponsive silent{"said nothing for 3.0s (--watchdog 2s)", true};
    EXPECT_EQ(
        messages::failed(4711, silent),
        "worker 4711 said nothing for 3.0s (--watchdog 2s); aborting it for a core (SIGABRT)");
    EXPECT_EQ(
        messages::ended({silent, seconds(9), RespawnAfter{seconds(1)}, true, 0}, 4711, 3),
        "worker 4711 said nothing for 3.0s (--watchdog 2s) and was ended; restarting in 1.0s");
    EXPECT_EQ(messages::failed(9, Unresponsive{"was not ready within 90s", false}),
              "worker 9 was not ready within 90s; stopping it");
    EXPECT_EQ(messages::ready(4802, milliseconds(410)), "worker 4802 ready in 0.41s");
}

TEST(Messages, stop_timeouts) {
    EXPECT_EQ(messages::stop_timeout(Stopping::Step::killing, 9, seconds(10), 15),
              "worker 9 did not stop on SIGTERM within 10.0s; killing it and all it started");
    EXPECT_EQ(messages::stop_timeout(Stopping::Step::forced, 9, seconds(12), 15),
              "worker 9 is still there after KILL (stuck in the kernel?); no second one is started "
              "until it is gone");
}

}  // namespace
}  // namespace oneloop
