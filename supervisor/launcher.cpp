#include "supervisor/launcher.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/exec_pointers.h"
#include "supervisor/autokill.h"

namespace oneloop {
namespace {

// What the child tells when it does not get as far as exec.
struct Failure {
    int error;
    const char* step;  // points into the program, which parent and child share
};

// fork(2) with a pidfd from birth: clone3 where the kernel and its filters allow it (systemd's
// RestrictNamespaces= and container profiles answer ENOSYS), else clone, which knows CLONE_PIDFD
// too.
Result<Launched> fork_with_pidfd(Isolation isolation, bool autokill) {
    int pidfd = -1;
    clone_args args{};
    args.flags = CLONE_PIDFD | clone_flags(isolation);
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (autokill) {
        args.flags |= clone_autoreap | clone_pidfd_autokill;
        args.exit_signal = 0;
    }
    long pid = ::syscall(SYS_clone3, &args, sizeof args);
    // Never without what was asked for: it was tried out at the start.
    if (pid < 0 && !autokill && (errno == ENOSYS || errno == EPERM)) {
        // clone(2), raw: no stack means that of the parent, as with fork. x86-64 and arm64 agree on
        // the first three arguments.
        pid = ::syscall(SYS_clone, args.flags | SIGCHLD, nullptr, &pidfd, nullptr, nullptr);
    }
    if (pid < 0) return fail_errno("clone");
    if (pid == 0) return Launched{};
    return Launched{static_cast<pid_t>(pid), UniqueFd(pidfd)};
}

// The number at the start of `name`, or -1.
int leading_number(const char* name) {
    int number = *name >= '0' && *name <= '9' ? 0 : -1;
    for (; *name >= '0' && *name <= '9'; ++name)
        number = 10 * number + (*name - '0');
    return number;
}

// Closes everything from `first` on. close_range(2) came with Linux 5.9, and a filter may hide it.
// Then what is open is read from /proc, without the library's readdir: it runs between fork and
// exec. Trying every number is the last resort, for in containers the limit may be a thousand
// million.
void close_from(int first) {
    if (::syscall(SYS_close_range, first, ~0U, 0) == 0) return;
    const int dir = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    alignas(8) std::array<char, 1024> buffer{};
    long size = dir < 0 ? -1 : 0;
    // proc_pid_fd(5) lists by number, so what is closed meanwhile does not shift the rest.
    while (dir >= 0 && (size = ::syscall(SYS_getdents64, dir, buffer.data(), buffer.size())) > 0) {
        for (long at = 0; at < size;) {
            unsigned short length = 0;  // linux_dirent64, getdents(2)
            std::memcpy(&length, buffer.data() + at + 16, sizeof length);
            const int fd = leading_number(buffer.data() + at + 19);
            if (fd >= first && fd != dir) ::close(fd);
            at += length;
        }
    }
    if (size < 0) {
        const long limit = ::sysconf(_SC_OPEN_MAX);
        for (int fd = first; fd < limit; ++fd)
            ::close(fd);
    }
}

// In the child: only async-signal-safe calls from here to exec.
[[noreturn]] void become(const LaunchRequest& request, int executable, int error_pipe, int null,
                         char* const* argv, char* const* envp, int* moved, unsigned uid,
                         unsigned gid) {
    const auto fail_with = [](int pipe, const char* step = "descriptors", int error = errno) {
        const Failure failure{error, step};
        (void)!::write(pipe, &failure, sizeof failure);
        ::_exit(127);
    };
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);

    const char* step = "";
    if (const int error = enter_isolation(request.isolation, uid, gid, &step)) {
        fail_with(error_pipe, step, error);
    }

    // Out of the way first, so that no target overwrites a source.
    const int count = static_cast<int>(request.descriptors.size());
    const int above = 3 + count + 2;
    for (int i = 0; i < count; ++i) {
        moved[i] =
            ::fcntl(request.descriptors[static_cast<std::size_t>(i)], F_DUPFD_CLOEXEC, above);
        if (moved[i] < 0) fail_with(error_pipe);
    }
    const int pipe = ::fcntl(error_pipe, F_DUPFD_CLOEXEC, above);
    const int program = ::fcntl(executable, F_DUPFD_CLOEXEC, above);
    if (pipe < 0 || program < 0) fail_with(error_pipe);
    if (!request.keep_stdin && ::dup2(null, 0) < 0) fail_with(pipe);
    for (int i = 0; i < count; ++i) {
        if (::dup2(moved[i], 3 + i) < 0) fail_with(pipe);
    }
    const int pipe_at = 3 + count;
    const int program_at = 4 + count;
    if (::dup3(pipe, pipe_at, O_CLOEXEC) < 0) fail_with(pipe);
    if (::dup3(program, program_at, O_CLOEXEC) < 0) fail_with(pipe_at);
    close_from(program_at + 1);
    ::syscall(SYS_execveat, program_at, "", argv, envp, AT_EMPTY_PATH);
    if (errno == ENOSYS) ::fexecve(program_at, argv, envp);  // by its name in /proc
    fail_with(pipe_at, "execveat warden");
    ::_exit(127);
}

struct Becoming {
    const LaunchRequest& request;
    int error_pipe;
    int null;
    char* const* argv;
    char* const* envp;
    int* moved;
    unsigned uid;
    unsigned gid;
};

int become_that(void* what) {
    const auto& it = *static_cast<const Becoming*>(what);
    become(it.request, it.request.executable, it.error_pipe, it.null, it.argv, it.envp, it.moved,
           it.uid, it.gid);
}

// As vfork(2), on a stack of its own: copying this process, and the copy's page faults, cost more
// than all that the child does. We are suspended until its exec, as we would wait for it anyway.
// What it writes to is its stack, `moved` and errno. Sanitizers know one stack only.
Result<Launched> fork_in_our_memory(const Becoming& what) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)what;
    return fail_errno("clone", ENOSYS);
#else
    alignas(64) static std::array<char, 64 * 1024> stack;  // one child at a time
    int pidfd = -1;
    const int flags = static_cast<int>(CLONE_VM | CLONE_VFORK | CLONE_PIDFD |
                                       clone_flags(what.request.isolation) | SIGCHLD);
    const int pid = ::clone(become_that, stack.data() + stack.size(), flags,
                            const_cast<Becoming*>(&what), &pidfd);
    if (pid < 0) return fail_errno("clone");
    return Launched{pid, UniqueFd(pidfd)};
#endif
}

}  // namespace

Result<Launching> begin_launch(const LaunchRequest& request) {
    const auto argv = exec_pointers(request.arguments);
    const auto envp = exec_pointers(request.environment);
    std::vector<int> moved(request.descriptors.size());
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return fail_errno("pipe2");
    UniqueFd read_end(pipe[0]);
    const UniqueFd write_end(pipe[1]);
    const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!null) return fail_errno("open /dev/null");

    // No handler of ours may run in the child before its dispositions are reset.
    sigset_t every;
    sigset_t before;
    ::sigfillset(&every);
    ::sigprocmask(SIG_BLOCK, &every, &before);
    const unsigned uid = ::geteuid();
    const unsigned gid = ::getegid();
    const Becoming what{request,     write_end.get(), null.get(), argv.data(),
                        envp.data(), moved.data(),    uid,        gid};
    // clone(2) doesn't know of autokill.
    auto launched =
        request.autokill ? Result<Launched>(fail("", ENOSYS)) : fork_in_our_memory(what);
    if (!launched) launched = fork_with_pidfd(request.isolation, request.autokill);
    if (launched && launched->pid == 0) become_that(const_cast<Becoming*>(&what));
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (!launched) return tl::unexpected(std::move(launched).error());
    return Launching{std::move(*launched), std::move(read_end)};
}

Result<Launched> finish_launch(Launching launching) {
    Failure failure{};
    ssize_t got = 0;
    do {
        got = ::read(launching.failure.get(), &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    if (got == sizeof failure) {
        ::waitpid(launching.child.pid, nullptr, 0);
        return fail_errno(failure.step, failure.error);
    }
    return std::move(launching.child);
}

}  // namespace oneloop
