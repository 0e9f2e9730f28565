// policy: what every end of a worker means. The small spaces are walked, not sampled.
#include "supervisor/policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace oneloop {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using OnExit = PolicyOptions::OnExit;
using Stage = NotStarted::Stage;

constexpr OnExit every_on_exit[] = {OnExit::wait, OnExit::restart, OnExit::finish};
constexpr Stage every_stage[] = {Stage::lock_busy, Stage::lock, Stage::spawn, Stage::exec};
constexpr Duration long_life = hours(1);
constexpr Duration no_life{};

PolicyOptions with(bool watching, OnExit on_exit = OnExit::wait) {
    PolicyOptions options;
    options.watching = watching;
    options.on_exit = on_exit;
    return options;
}

Exited exited(int code) {
    return Exited{ExitStatus{code, 0}};
}
Exited killed(int signal) {
    return Exited{ExitStatus{0, signal}};
}
NotStarted not_started(Stage stage, int code = ENOENT) {
    return NotStarted{stage, code, "what"};
}

History started() {
    History history;
    history.ever_started = true;
    return history;
}

Duration delay_of(const Judgement& judged) {
    const auto* respawn = std::get_if<RespawnAfter>(&judged.verdict);
    return respawn ? respawn->delay : Duration(-1);
}
bool waits(const Judgement& judged) {
    return std::holds_alternative<WaitForChange>(judged.verdict);
}
int finish_code(const Judgement& judged) {
    const auto* finish = std::get_if<FinishWith>(&judged.verdict);
    return finish ? finish->code : -1;
}

// Every end there is, of the given lives.
std::vector<WorkerEnd> every_end() {
    std::vector<WorkerEnd> ends;
    for (int code = 0; code < 256; ++code)
        ends.emplace_back(exited(code));
    for (int signal = 1; signal <= 64; ++signal)
        ends.emplace_back(killed(signal));
    for (const Stage stage : every_stage) {
        for (const int code : {0, ENOENT, ENOTDIR, EACCES, ENOEXEC, EAGAIN, EMFILE})
            ends.emplace_back(not_started(stage, code));
    }
    ends.emplace_back(Unresponsive{"said nothing", true});
    ends.emplace_back(Unresponsive{"was not ready", false});
    return ends;
}

TEST(Policy, exit_0_after_a_long_life) {
    struct Row {
        bool watching;
        OnExit on_exit;
        Verdict expected;
    };
    const Row table[] = {
        {true, OnExit::wait, WaitForChange{}},    {true, OnExit::restart, RespawnAfter{}},
        {true, OnExit::finish, FinishWith{0}},    {false, OnExit::wait, FinishWith{0}},
        {false, OnExit::restart, RespawnAfter{}}, {false, OnExit::finish, FinishWith{0}},
    };
    for (const auto& row : table) {
        SCOPED_TRACE(testing::Message() << row.watching << ' ' << static_cast<int>(row.on_exit));
        const auto judged = judge(exited(0), long_life, {}, with(row.watching, row.on_exit));
        EXPECT_EQ(judged.verdict, row.expected);
        EXPECT_FALSE(judged.failure);
        EXPECT_TRUE(judged.history.ever_started);
    }
}

TEST(Policy, a_quick_exit_0_matters_only_where_it_would_be_repeated) {
    for (const bool watching : {true, false}) {
        EXPECT_TRUE(judge(exited(0), no_life, {}, with(watching, OnExit::restart)).failure);
        EXPECT_FALSE(judge(exited(0), no_life, {}, with(watching, OnExit::wait)).failure);
        EXPECT_FALSE(judge(exited(0), no_life, {}, with(watching, OnExit::finish)).failure);
    }
    const auto options = with(true, OnExit::restart);
    EXPECT_TRUE(judge(exited(0), options.quick - Duration(1), {}, options).failure);
    EXPECT_FALSE(judge(exited(0), options.quick, {}, options).failure);
}

TEST(Policy, exit_3_restarts_at_once_unless_it_lived_less_than_the_first_delay) {
    for (const bool watching : {true, false}) {
        for (const OnExit on_exit : every_on_exit) {
            const auto options = with(watching, on_exit);
            const auto asked = judge(exited(3), options.first_delay, {}, options);
            EXPECT_EQ(asked.verdict, Verdict(RespawnAfter{}));
            EXPECT_FALSE(asked.failure);
            EXPECT_EQ(asked.history.quick_failures, 0);
            // Ten edits in quick succession are a person, more of them a program that spins.
            Judgement spinning{{}, false, {}};
            for (int i = 0; i <= options.quick_reloads; ++i) {
                EXPECT_FALSE(spinning.failure) << i;
                spinning =
                    judge(exited(3), options.first_delay - Duration(1), spinning.history, options);
            }
            EXPECT_EQ(spinning.verdict, Verdict(RespawnAfter{options.first_delay}));
            EXPECT_TRUE(spinning.failure);
            EXPECT_EQ(spinning.history.quick_failures, 1);
        }
    }
}

TEST(Policy, a_configuration_error_waits_for_a_change_or_ends) {
    for (const Duration lived : {no_life, long_life}) {
        const auto watched = judge(exited(exit_config), lived, {}, with(true, OnExit::wait));
        EXPECT_EQ(watched.verdict, Verdict(WaitForChange{}));
        EXPECT_TRUE(watched.failure);
        EXPECT_EQ(watched.history.quick_failures, 0);
        const auto alone = judge(exited(exit_config), lived, {}, with(false, OnExit::wait));
        EXPECT_EQ(alone.verdict, Verdict(FinishWith{exit_config}));
    }
}

TEST(Policy, every_other_code_and_every_signal_is_a_crash) {
    for (const auto& end : every_end()) {
        const auto* exit = std::get_if<Exited>(&end);
        if (!exit || exit->status == ExitStatus{0, 0} || exit->status == ExitStatus{3, 0}) continue;
        if (exit->status == ExitStatus{exit_config, 0}) continue;  // see below
        for (const bool watching : {true, false}) {
            for (const OnExit on_exit : every_on_exit) {
                for (const Duration lived : {no_life, long_life}) {
                    const auto options = with(watching, on_exit);
                    const auto judged = judge(end, lived, {}, options);
                    ASSERT_TRUE(judged.failure) << describe(exit->status);
                    ASSERT_EQ(delay_of(judged), options.first_delay) << describe(exit->status);
                    ASSERT_TRUE(judged.history.ever_started);
                }
            }
        }
    }
}

TEST(Policy, a_command_that_cannot_be_executed_ends_the_very_first_start) {
    for (int code = 0; code <= 133; ++code) {
        const auto judged = judge(not_started(Stage::exec, code), no_life, {}, with(true));
        const bool missing = code == ENOENT || code == ENOTDIR;
        EXPECT_EQ(finish_code(judged), missing ? exit_not_found : exit_not_executable) << code;
        EXPECT_TRUE(judged.failure);
    }
}

TEST(Policy, later_the_same_failure_is_tried_again) {
    for (const int code : {ENOENT, ENOTDIR, EACCES, ENOEXEC, ETXTBSY}) {
        for (const bool watching : {true, false}) {
            const auto judged =
                judge(not_started(Stage::exec, code), no_life, started(), with(watching));
            EXPECT_EQ(delay_of(judged), with(watching).first_delay);
            EXPECT_TRUE(judged.failure);
        }
    }
}

TEST(Policy, a_failed_lock_or_fork_is_tried_again_even_at_the_first_start) {
    for (const Stage stage : {Stage::lock, Stage::spawn}) {
        const auto judged = judge(not_started(stage, EAGAIN), no_life, {}, with(true));
        EXPECT_EQ(delay_of(judged), with(true).first_delay);
        EXPECT_FALSE(judged.history.ever_started);
        EXPECT_EQ(judged.history.quick_failures, 0);
    }
}

// A full disk or process table is cured by no edit: with --watch, too, nobody has to make one.
TEST(Policy, want_of_resources_never_waits_for_a_change) {
    for (const Stage stage : {Stage::lock, Stage::spawn}) {
        for (const bool watching : {true, false}) {
            History history;
            Duration last{};
            for (int i = 0; i < 100; ++i) {
                const auto judged =
                    judge(not_started(stage, ENOSPC), no_life, history, with(watching));
                ASSERT_GE(delay_of(judged), with(watching).first_delay);
                ASSERT_LE(delay_of(judged), with(watching).longest_delay);
                last = std::max(last, delay_of(judged));
                history = judged.history;
            }
            EXPECT_GT(last, with(watching).first_delay) << "it grows";
        }
    }
}

TEST(Policy, a_busy_lock_never_counts) {
    for (const bool watching : {true, false}) {
        for (History history : {History{}, started()}) {
            history.quick_failures = 2;
            history.delay = seconds(4);
            for (int i = 0; i < 100; ++i) {
                const auto judged =
                    judge(not_started(Stage::lock_busy, 0), no_life, history, with(watching));
                ASSERT_EQ(delay_of(judged), with(watching).first_delay);
                ASSERT_EQ(judged.history, history);
            }
        }
    }
}

TEST(Policy, a_worker_that_gives_no_sign_has_crashed_and_has_run) {
    for (const bool watching : {true, false}) {
        const auto options = with(watching, OnExit::finish);
        for (const Duration lived : {no_life, long_life}) {
            const auto judged = judge(Unresponsive{"said nothing", true}, lived, {}, options);
            EXPECT_TRUE(judged.failure);
            EXPECT_EQ(delay_of(judged), options.first_delay);
            EXPECT_TRUE(judged.history.ever_started);
        }
    }
}

TEST(Policy, nothing_at_all_finishes_with_the_reload_code) {
    int walked = 0;
    for (const auto& end : every_end()) {
        for (const bool watching : {true, false}) {
            for (const OnExit on_exit : every_on_exit) {
                for (const Duration lived : {no_life, Duration(seconds(1)), long_life}) {
                    for (History history : {History{}, started()}) {
                        for (history.quick_failures = 0; history.quick_failures <= 3;
                             ++history.quick_failures) {
                            const auto options = with(watching, on_exit);
                            const auto judged = judge(end, lived, history, options);
                            ASSERT_NE(finish_code(judged), reload_exit_code);
                            ASSERT_TRUE(watching || !waits(judged)) << "no change can come";
                            if (finish_code(judged) >= 0) {
                                ASSERT_TRUE(finish_code(judged) == 0 ||
                                            finish_code(judged) >= 126 ||
                                            finish_code(judged) == exit_config);
                            }
                            ++walked;
                        }
                    }
                }
            }
        }
    }
    EXPECT_EQ(walked, (256 + 64 + 28 + 2) * 2 * 3 * 3 * 2 * 4);
}

}  // namespace
}  // namespace oneloop
