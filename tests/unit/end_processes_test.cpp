// Ending by pidfd: the one that was listed and no decoy with its pid.
#include "supervisor/end_processes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/process_table.h"

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using Outcome = EndResult::Outcome;

class Sleeper {
  public:
    enum class Manner { plain, deaf, tidy };  // tidy: ends with 7, by a handler of its own
    explicit Sleeper(Manner manner = Manner::plain) {
        sigset_t term, before;
        ::sigemptyset(&term);
        ::sigaddset(&term, SIGTERM);
        // Nothing is delivered before the child is as it is to be.
        ::sigprocmask(SIG_BLOCK, &term, &before);
        pid_ = ::fork();
        if (pid_ == 0) {
            if (manner == Manner::tidy) ::signal(SIGTERM, [](int) { ::_exit(7); });
            if (manner != Manner::deaf) ::sigprocmask(SIG_SETMASK, &before, nullptr);
            for (;;)
                ::pause();
        }
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
    }
    ~Sleeper() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;

    [[nodiscard]] ProcessRecord record() const { return read_process(pid_, {}).value(); }
    [[nodiscard]] bool lives() const {
        siginfo_t info{};
        return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               info.si_pid == 0;
    }
    [[nodiscard]] int wait_status() {
        int status = 0;
        ::waitpid(std::exchange(pid_, 0), &status, 0);
        return status;
    }
    [[nodiscard]] int signal_that_ended() {
        const int status = wait_status();
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    pid_t pid_;
};

TEST(EndProcesses, EndsTheOneThatWasListed) {
    Sleeper sleeper;
    const auto results = end_processes({sleeper.record()}, milliseconds(2000));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::ended) << results[0].reason;
    EXPECT_EQ(sleeper.signal_that_ended(), SIGTERM);
}

TEST(EndProcesses, KillsTheDeafOne) {
    Sleeper sleeper(Sleeper::Manner::deaf);
    const auto results = end_processes({sleeper.record()}, milliseconds(20));
    EXPECT_EQ(results.at(0).outcome, Outcome::killed);
    EXPECT_EQ(sleeper.signal_that_ended(), SIGKILL);
}

// Ctrl-Z: without SIGCONT its handler would not run, and it would be killed instead.
TEST(EndProcesses, LetsAStoppedOneEndInItsOwnWay) {
    Sleeper sleeper(Sleeper::Manner::tidy);
    ::kill(sleeper.pid(), SIGSTOP);
    const auto results = end_processes({sleeper.record()}, milliseconds(2000));
    EXPECT_EQ(results.at(0).outcome, Outcome::ended);
    const int status = sleeper.wait_status();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 7);
}

// As if the pid had been given to somebody else after the listing.
TEST(EndProcesses, RefusesADecoyThatGotThePid) {
    const Sleeper decoy;
    auto listed = decoy.record();
    listed.start -= 1;
    auto results = end_processes({listed}, milliseconds(50));
    EXPECT_EQ(results.at(0).outcome, Outcome::refused);
    EXPECT_THAT(results.at(0).reason, testing::HasSubstr("started at another time"));
    EXPECT_TRUE(decoy.lives());

    listed = decoy.record();
    listed.arguments.emplace_back("more");
    results = end_processes({listed}, milliseconds(50));
    EXPECT_EQ(results.at(0).outcome, Outcome::refused);
    EXPECT_TRUE(decoy.lives());

    listed = decoy.record();
    listed.program.inode += 1;
    results = end_processes({listed}, milliseconds(50));
    EXPECT_EQ(results.at(0).outcome, Outcome::refused);
    EXPECT_TRUE(decoy.lives());
}

TEST(EndProcesses, SaysWhenItIsGoneAlready) {
    Sleeper sleeper;
    const auto listed = sleeper.record();
    ::kill(listed.pid, SIGKILL);
    // A zombie first, then nothing at all.
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(listed.pid), &info, WEXITED | WNOWAIT);
    EXPECT_EQ(end_processes({listed}, milliseconds(50)).at(0).outcome, Outcome::already_gone);
    EXPECT_EQ(sleeper.signal_that_ended(), SIGKILL);
    EXPECT_EQ(end_processes({listed}, milliseconds(50)).at(0).outcome, Outcome::already_gone);
}

TEST(EndProcesses, EndsSeveralAndKeepsTheirOrder) {
    const Sleeper decoy;
    Sleeper one, two;
    auto listed = decoy.record();
    listed.start += 1;
    const auto results = end_processes({two.record(), listed, one.record()}, milliseconds(2000));
    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(results[0].pid, two.pid());
    EXPECT_EQ(results[0].outcome, Outcome::ended);
    EXPECT_EQ(results[1].outcome, Outcome::refused);
    EXPECT_EQ(results[2].outcome, Outcome::ended);
    EXPECT_TRUE(decoy.lives());
}

TEST(EndProcesses, DoesNothingForNothing) {
    EXPECT_TRUE(end_processes({}, milliseconds(2000)).empty());
}

}  // namespace
}  // namespace oneloop
