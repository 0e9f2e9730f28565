// policy: --on-crash, every end of a worker under each of its values.
#include <gtest/gtest.h>

#include <cerrno>

#include "supervisor/policy.h"

namespace oneloop {
namespace {

using std::chrono::hours;
using OnCrash = PolicyOptions::OnCrash;
using OnExit = PolicyOptions::OnExit;
using Stage = NotStarted::Stage;

PolicyOptions with(OnCrash on_crash, bool watching) {
    PolicyOptions options;
    options.on_crash = on_crash;
    options.watching = watching;
    return options;
}
Exited exited(int code, int signal = 0) {
    return Exited{ExitStatus{code, signal}};
}
History started() {
    History history;
    history.ever_started = true;
    return history;
}

TEST(PolicyOnCrash, exit_ends_with_every_code_of_the_worker) {
    for (const bool watching : {true, false}) {
        const auto options = with(OnCrash::finish, watching);
        for (int code = 1; code < 256; ++code) {
            if (code == reload_exit_code) continue;
            const auto judged = judge(exited(code), hours(1), {}, options);
            ASSERT_EQ(judged.verdict, Verdict(FinishWith{code})) << code;
            ASSERT_TRUE(judged.failure);
        }
        for (int signal = 1; signal <= 64; ++signal) {
            const auto judged = judge(exited(0, signal), {}, {}, options);
            ASSERT_EQ(judged.verdict, Verdict(FinishWith{128 + signal})) << signal;
        }
    }
}

TEST(PolicyOnCrash, a_3_never_passes_through) {
    for (const OnCrash on_crash : {OnCrash::finish, OnCrash::wait}) {
        const auto options = with(on_crash, false);
        Judgement judged{{}, false, {}};
        for (int i = 0; i < options.quick_reloads; ++i) {
            judged = judge(exited(3), {}, judged.history, options);
            ASSERT_EQ(judged.verdict, Verdict(RespawnAfter{})) << "asked for, no crash";
        }
        judged = judge(exited(3), {}, judged.history, options);
        EXPECT_EQ(judged.verdict, Verdict(FinishWith{1})) << "it spins";
    }
}

// uvicorn and gunicorn say with it that they could not start.
TEST(PolicyOnCrash, a_3_of_a_server_that_fails_so_is_a_crash) {
    PolicyOptions options;
    options.exit_3_reloads = false;
    options.jitter = false;
    Judgement judged{{}, false, {}};
    for (int i = 1; i < options.quick_limit; ++i) {
        judged = judge(exited(3), {}, judged.history, options);
        EXPECT_TRUE(judged.failure);
        EXPECT_EQ(judged.history.quick_failures, i);
        EXPECT_NE(judged.verdict, Verdict(RespawnAfter{}));
    }
    judged = judge(exited(3), {}, judged.history, options);
    EXPECT_EQ(judged.verdict, Verdict(WaitForChange{}));
}

TEST(PolicyOnCrash, wait_waits_after_the_first_one) {
    for (const auto& end : {exited(1), exited(255), exited(exit_config), exited(0, 9)}) {
        const auto judged = judge(end, {}, {}, with(OnCrash::wait, true));
        EXPECT_EQ(judged.verdict, Verdict(WaitForChange{}));
        EXPECT_TRUE(judged.failure);
        EXPECT_EQ(judged.history.quick_failures, 0) << "nothing was counted";
    }
}

TEST(PolicyOnCrash, wait_ends_where_no_change_can_come) {
    const auto options = with(OnCrash::wait, false);
    EXPECT_EQ(judge(exited(7), {}, {}, options).verdict, Verdict(FinishWith{7}));
    EXPECT_EQ(judge(exited(0, 11), {}, {}, options).verdict, Verdict(FinishWith{139}));
}

TEST(PolicyOnCrash, exit_0_is_no_crash) {
    for (const OnCrash on_crash : {OnCrash::restart, OnCrash::wait, OnCrash::finish}) {
        for (const bool watching : {true, false}) {
            auto options = with(on_crash, watching);
            options.on_exit = OnExit::restart;
            for (const Duration lived : {Duration{}, Duration(hours(1))}) {
                const auto judged = judge(exited(0), lived, {}, options);
                EXPECT_TRUE(std::holds_alternative<RespawnAfter>(judged.verdict));
            }
        }
    }
}

TEST(PolicyOnCrash, a_command_that_can_no_longer_be_executed_is_a_crash) {
    const NotStarted missing{Stage::exec, ENOENT, "exec app"};
    const NotStarted refused{Stage::exec, EACCES, "exec app"};
    const auto end = with(OnCrash::finish, true);
    EXPECT_EQ(judge(missing, {}, started(), end).verdict, Verdict(FinishWith{exit_not_found}));
    EXPECT_EQ(judge(refused, {}, started(), end).verdict, Verdict(FinishWith{exit_not_executable}));
    const auto wait = with(OnCrash::wait, true);
    EXPECT_EQ(judge(missing, {}, started(), wait).verdict, Verdict(WaitForChange{}));
}

TEST(PolicyOnCrash, one_that_hangs_is_a_crash_like_another) {
    for (const Unresponsive& end :
         {Unresponsive{"said nothing", true}, Unresponsive{"was", false}}) {
        for (const bool watching : {true, false}) {
            const auto finish = with(OnCrash::finish, watching);
            EXPECT_EQ(judge(end, {}, started(), finish).verdict, Verdict(FinishWith{1}));
        }
        EXPECT_EQ(judge(end, {}, {}, with(OnCrash::wait, true)).verdict, Verdict(WaitForChange{}));
        EXPECT_EQ(judge(end, {}, {}, with(OnCrash::wait, false)).verdict, Verdict(FinishWith{1}));
        const auto again = judge(end, {}, {}, with(OnCrash::restart, true)).verdict;
        EXPECT_TRUE(std::holds_alternative<RespawnAfter>(again));
    }
}

// Neither the worker's doing nor cured by an edit.
TEST(PolicyOnCrash, a_busy_lock_and_want_of_resources_are_tried_again) {
    for (const OnCrash on_crash : {OnCrash::wait, OnCrash::finish}) {
        for (const Stage stage : {Stage::lock_busy, Stage::lock, Stage::spawn}) {
            const NotStarted end{stage, EAGAIN, "what"};
            const auto judged = judge(end, {}, started(), with(on_crash, true));
            EXPECT_TRUE(std::holds_alternative<RespawnAfter>(judged.verdict));
        }
    }
}

}  // namespace
}  // namespace oneloop
