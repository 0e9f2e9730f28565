// Family: who is a stranger, an orphan of a killed warden, or a warden. With real processes, since
// the kernel decides whose child somebody is.
#include "supervisor/family.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "supervisor/descendants.h"
#include "tests/support/wait.h"

namespace oneloop::test {
namespace {

pid_t fork_one_that_waits() {
    const pid_t pid = ::fork();
    while (pid == 0)
        ::pause();
    return pid;
}

class FamilyTest : public testing::Test {
  protected:
    void SetUp() override { ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0); }
    void TearDown() override {
        // What one leaves is the next one's turn.
        while (signal_children(SIGKILL) > 0)
            ::waitpid(-1, nullptr, __WALL);
    }

    // With a child of its own.
    static pid_t start_warden() {
        const pid_t pid = ::fork();
        if (pid == 0) {
            fork_one_that_waits();
            while (true)
                ::pause();
        }
        EXPECT_TRUE(
            wait_until([&] { return children_of(pid).size() == 1; }, std::chrono::seconds(10)));
        return pid;
    }
    static bool is_child(pid_t pid) {
        const auto all = direct_children();
        return std::find(all.begin(), all.end(), pid) != all.end();
    }
    bool swept() {
        return wait_until([this] { return family_.sweep(); }, std::chrono::seconds(10));
    }

    // A warden of the family is killed, beside a stranger: `meanwhile` happens before its end is
    // noticed. Then its orphan is ended, and the stranger is not.
    void expect_only_the_orphan_is_swept(const std::function<void(pid_t warden)>& meanwhile) {
        const pid_t stranger = fork_one_that_waits();
        family_.note_strangers();
        const pid_t warden = start_warden();
        family_.add_warden(warden);
        const pid_t orphan = children_of(warden)[0];
        ::kill(warden, SIGKILL);
        ASSERT_TRUE(wait_until([&] { return is_child(orphan); }, std::chrono::seconds(10)));
        meanwhile(warden);
        family_.remove_warden(warden);
        EXPECT_TRUE(swept());
        EXPECT_FALSE(is_child(orphan));
        EXPECT_TRUE(is_child(stranger));
    }

    Family family_;
};

TEST_F(FamilyTest, AnOrphanIsEndedAndAStrangerIsNot) {
    expect_only_the_orphan_is_swept([](pid_t warden) { ::waitpid(warden, nullptr, 0); });
}

// Another warden is started in the moment between the end of one and the notice of it.
TEST_F(FamilyTest, WhatAnEndedWardenLeavesIsNoStrangerBeforeItsEndIsNoticed) {
    expect_only_the_orphan_is_swept([this](pid_t warden) {
        family_.note_strangers();
        ::waitpid(warden, nullptr, 0);
        family_.note_strangers();  // as when the kernel reaps it
    });
}

TEST_F(FamilyTest, WhileItsWardensLiveWhoeverIsNewIsAStranger) {
    const pid_t warden = start_warden();
    family_.add_warden(warden);
    const pid_t stranger = fork_one_that_waits();
    family_.note_strangers();
    EXPECT_TRUE(swept());
    EXPECT_TRUE(is_child(stranger));
    EXPECT_TRUE(is_child(warden));
}

// Nobody waits for one that was prepared before it is needed.
TEST_F(FamilyTest, AWardenThatIsDeadAndNotWaitedForHidesNobody) {
    const pid_t prepared = fork_one_that_waits();
    family_.add_warden(prepared);
    const pid_t warden = start_warden();
    family_.add_warden(warden);
    const pid_t orphan = children_of(warden)[0];
    ::kill(prepared, SIGKILL);
    ::kill(warden, SIGKILL);
    ::waitpid(warden, nullptr, 0);
    family_.remove_warden(warden);
    siginfo_t dead{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(prepared), &dead, WEXITED | WNOWAIT), 0);
    EXPECT_TRUE(swept());
    EXPECT_FALSE(is_child(orphan));
    EXPECT_TRUE(is_child(prepared)) << "whose end is the business of who made it";
}

}  // namespace
}  // namespace oneloop::test
