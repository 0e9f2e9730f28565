// autokill: what the kernel here has of it is tried; what it does not have is not used.
#include "supervisor/autokill.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "common/unique_fd.h"

namespace oneloop {
namespace {

bool kernel_is_from(int major, int minor) {
    utsname name{};
    ::uname(&name);
    int has_major = 0;
    int has_minor = 0;
    std::sscanf(name.release, "%d.%d", &has_major, &has_minor);
    return has_major > major || (has_major == major && has_minor >= minor);
}

// With SIGCHLD ignored the kernel reaps children, as with CLONE_AUTOREAP: wait(2) has nothing to
// say.
class Reaped : public testing::Test {
  protected:
    Reaped() { before_ = ::signal(SIGCHLD, SIG_IGN); }
    ~Reaped() override { ::signal(SIGCHLD, before_); }

  private:
    sighandler_t before_;
};

TEST_F(Reaped, its_pidfd_tells_its_end) {
    if (!kernel_is_from(6, 15)) GTEST_SKIP() << "PIDFD_INFO_EXIT came with Linux 6.15";
    // pidfd_open before the end: a process that is gone has none.
    std::array<int, 2> gate{};
    ASSERT_EQ(::pipe(gate.data()), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        char c = 0;
        ::close(gate[1]);
        (void)!::read(gate[0], &c, 1);
        ::_exit(7);
    }
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    EXPECT_EQ(wait_status_of(pidfd.get()), std::nullopt) << "it lives";
    ::close(gate[1]);
    ::close(gate[0]);
    pollfd p{pidfd.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&p, 1, 10'000), 1);
    const auto status = wait_status_of(pidfd.get());
    ASSERT_TRUE(status);
    EXPECT_TRUE(WIFEXITED(*status));
    EXPECT_EQ(WEXITSTATUS(*status), 7);
}

TEST_F(Reaped, a_killed_one_as_well) {
    if (!kernel_is_from(6, 15)) GTEST_SKIP() << "PIDFD_INFO_EXIT came with Linux 6.15";
    const pid_t pid = ::fork();
    if (pid == 0) {
        for (;;)
            ::pause();
    }
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    ::kill(pid, SIGKILL);
    pollfd p{pidfd.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&p, 1, 10'000), 1);
    const auto status = wait_status_of(pidfd.get());
    ASSERT_TRUE(status);
    EXPECT_TRUE(WIFSIGNALED(*status));
    EXPECT_EQ(WTERMSIG(*status), SIGKILL);
}

TEST(WaitStatusOf, what_is_no_pidfd_has_none) {
    EXPECT_EQ(wait_status_of(-1), std::nullopt);
    EXPECT_EQ(wait_status_of(0), std::nullopt);
}

// An older kernel refuses the flags with EINVAL; a newer one does to root what the trial asks for.
TEST(Autokill, is_found_exactly_where_the_kernel_has_it) {
    if (kernel_is_from(7, 1) && ::geteuid() != 0) GTEST_SKIP() << "needs CAP_SYS_ADMIN";
    EXPECT_EQ(try_autokill(), kernel_is_from(7, 1));
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no process is left of the trial";
}

}  // namespace
}  // namespace oneloop
