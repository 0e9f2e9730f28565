#include "supervisor/autokill.h"

#include <linux/sched.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "common/unique_fd.h"

namespace oneloop {
namespace {

constexpr int patience_ms = 1000;

// struct pidfd_info of Linux 6.15, which this system's headers may not have.
struct PidfdInfo {
    std::uint64_t mask;
    std::uint64_t cgroup;
    std::array<std::uint32_t, 11> ids;  // pids, uids, gids
    std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr std::uint64_t info_exit = 1U << 3;
constexpr unsigned long get_info = _IOWR(0xFF, 11, PidfdInfo);

bool readable_in_time(int fd) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, patience_ms) == 1;
}

struct Trial {
    long pid;
    UniqueFd pidfd;
};

Trial fork_with_autokill() {
    int pidfd = -1;
    clone_args args{};
    args.flags = CLONE_PIDFD | clone_autoreap | clone_pidfd_autokill;
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    return {pid, UniqueFd(pid > 0 ? pidfd : -1)};
}

bool end_is_told() {
    constexpr int code = 77;
    const Trial trial = fork_with_autokill();
    if (trial.pid == 0) ::_exit(code);
    if (trial.pid < 0 || !readable_in_time(trial.pidfd.get())) return false;
    const auto status = wait_status_of(trial.pidfd.get());
    return status && WIFEXITED(*status) && WEXITSTATUS(*status) == code;
}

bool dies_when_let_go() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    Trial trial = fork_with_autokill();
    if (trial.pid == 0) {
        // As long as it lives the pipe has a writer. Not for ever, should nobody kill it.
        ::poll(nullptr, 0, 10 * patience_ms);
        ::_exit(0);
    }
    if (trial.pid < 0) return false;
    write_end.reset();
    trial.pidfd.reset();
    return readable_in_time(read_end.get());
}

}  // namespace

bool try_autokill() {
    return end_is_told() && dies_when_let_go();
}

std::optional<int> wait_status_of(int pidfd) {
    PidfdInfo info{};
    info.mask = info_exit;
    if (::ioctl(pidfd, get_info, &info) != 0 || (info.mask & info_exit) == 0) return std::nullopt;
    return info.exit_code;
}

}  // namespace oneloop
