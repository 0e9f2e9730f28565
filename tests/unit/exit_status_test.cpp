// exit_status: all 256 codes and all 64 signals, built and made by real processes.
#include "common/exit_status.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

namespace oneloop {
namespace {

// Signals that signal(7) names; the real-time ones have numbers only.
constexpr int last_named = 31;

template <class Code>
int wait_status_of(Code code) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        code();
        ::_exit(99);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return status;
}

TEST(ExitStatus, every_exit_code) {
    for (int code = 0; code < 256; ++code) {
        const auto status = ExitStatus::from_wait_status(W_EXITCODE(code, 0));
        EXPECT_EQ(status, (ExitStatus{code, 0}));
        EXPECT_EQ(describe(status), "exit " + std::to_string(code));
    }
}

TEST(ExitStatus, every_signal_with_and_without_a_core) {
    for (int signal = 1; signal < NSIG; ++signal) {
        const auto plain = ExitStatus::from_wait_status(W_EXITCODE(0, signal));
        EXPECT_EQ(plain, (ExitStatus{0, signal}));
        EXPECT_EQ(ExitStatus::from_wait_status(W_EXITCODE(0, signal) | WCOREFLAG), plain);
        EXPECT_EQ(describe(plain), signal_name(signal));
    }
}

TEST(ExitStatus, every_exit_code_of_a_real_process) {
    for (int code = 0; code < 256; ++code) {
        const int status = wait_status_of([code] { ::_exit(code); });
        EXPECT_EQ(ExitStatus::from_wait_status(status), (ExitStatus{code, 0}));
    }
}

TEST(ExitStatus, every_signal_that_ends_a_real_process) {
    const std::set<int> harmless = {SIGCHLD, SIGCONT, SIGURG,  SIGWINCH,
                                    SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
    for (int signal = 1; signal < NSIG; ++signal) {
        if (harmless.contains(signal) || signal == 32 || signal == 33) continue;  // 32, 33: libc's
        const int status = wait_status_of([signal] {
            ::signal(signal, SIG_DFL);
            ::kill(::getpid(), signal);
        });
        EXPECT_EQ(ExitStatus::from_wait_status(status), (ExitStatus{0, signal})) << signal;
    }
}

TEST(ExitStatus, every_named_signal_round_trips) {
    std::set<std::string> names;
    for (int signal = 1; signal <= last_named; ++signal) {
        const std::string name = signal_name(signal);
        EXPECT_EQ(name.rfind("SIG", 0), 0U) << name;
        EXPECT_TRUE(names.insert(name).second) << name;
        EXPECT_EQ(parse_signal(name), signal);
        EXPECT_EQ(parse_signal(name.substr(3)), signal);
    }
}

TEST(ExitStatus, every_number_round_trips) {
    for (int signal = 1; signal < NSIG; ++signal)
        EXPECT_EQ(parse_signal(std::to_string(signal)), signal);
}

TEST(ExitStatus, what_has_no_name_shows_its_number) {
    for (int signal = last_named + 1; signal < NSIG; ++signal)
        EXPECT_EQ(signal_name(signal), "signal " + std::to_string(signal));
    EXPECT_EQ(signal_name(99), "signal 99");
    EXPECT_EQ(signal_name(0), "signal 0");
    EXPECT_EQ(signal_name(-1), "signal -1");
}

TEST(ExitStatus, well_known_names) {
    EXPECT_EQ(signal_name(15), "SIGTERM");
    EXPECT_EQ(describe({0, 9}), "SIGKILL");
    EXPECT_EQ(describe({0, 11}), "SIGSEGV");
    EXPECT_EQ(describe({7, 0}), "exit 7");
}

TEST(ExitStatus, no_signals) {
    for (const char* text :
         {"", "SIG", "SIGSIG", "SIGSIGTERM", "TERMINATE", "TER", "0", "-1", "65", "15x", "15 ",
          "1.5", "SIG15", "NULL", "99999999999999999999", "-99999999999999999999", "4294967311"}) {
        EXPECT_EQ(parse_signal(text), 0) << text;
    }
}

TEST(ExitStatus, none_of_our_exit_codes_is_the_reload_code) {
    for (const int code : {exit_ok, exit_usage, exit_unavailable, exit_internal, exit_running,
                           exit_config, exit_not_executable, exit_not_found}) {
        EXPECT_NE(code, reload_exit_code);
    }
}

}  // namespace
}  // namespace oneloop
