#include "supervisor/generation.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "common/flag.h"
#include "common/unique_fd.h"

namespace oneloop {
namespace {

// How long to wait for a predecessor whose supervisor has just died: its warden needs some
// milliseconds to end it, and up to 70 ms were measured for a killed supervisor's own descriptors.
constexpr int lock_wait_ms = 2000;

// The caller's pid as the supervisor has it.
pid_t outer_pid(const WardenSetup& setup) {
    std::array<char, 16> link{};
    if (::readlinkat(setup.outer_proc, "self", link.data(), link.size() - 1) <= 0)
        return ::getpid();
    return std::atoi(link.data());
}

// What the new process tells the warden: its pid first, and once more when a step fails.
struct Birth {
    pid_t pid;
    int error;
    bool in_cgroup;  // the step: entering the group; else exec
};

// Not CLONE_INTO_CGROUP: on Linux 6.18 whoever is cloned into a group that was killed before is
// killed at once, for ever. Who enters is not.
bool enter(int cgroup) {
    const UniqueFd procs(::openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC));
    return procs && ::write(procs.get(), "0", 1) == 1;
}

// In the child, single-threaded as its parent was, so that setenv is safe.
[[noreturn]] void become_worker(const WardenSetup& setup, const LockFile* lock,
                                std::uint64_t generation, int warden_pidfd, int error_pipe) {
    // A group of its own, so that kill(0, …) stays with the worker. Not a session of its own, too:
    // that would be another scheduling group (sched(7), autogroup), and half a millisecond under
    // load.
    ::setpgid(0, 0);
    // Before exec, so that the first read is allowed. SIGTTOU is blocked here, as everything is.
    if (setup.terminal == Handing::foreground) ::tcsetpgrp(STDIN_FILENO, ::getpid());
    // The warden's death is the worker's. Set first, then look whether it has happened already.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (readable(warden_pidfd)) ::_exit(warden_failed);
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    Birth birth{outer_pid(setup), 0, false};
    // The processes that it will start are to be found there, so nothing of it runs elsewhere.
    if (setup.cgroup >= 0 && !enter(setup.cgroup)) {
        birth.error = errno;
        birth.in_cgroup = true;
    }
    (void)!::write(error_pipe, &birth, sizeof birth);
    if (birth.error) ::_exit(warden_failed);
    if (lock) {
        set_cloexec(lock->fd(), false);
        ::setenv(flag::lock_fd, std::to_string(lock->fd()).c_str(), 1);
        ::setenv(flag::generation, std::to_string(generation).c_str(), 1);
        ::setenv(flag::worker_pid, std::to_string(birth.pid).c_str(), 1);
    }
    if (::getenv(flag::watchdog_usec))
        ::setenv(flag::watchdog_pid, std::to_string(::getpid()).c_str(), 1);
    if (setup.sockets > 0) ::setenv(flag::listen_pid, std::to_string(::getpid()).c_str(), 1);
    ::execvp(setup.command[0], setup.command);
    birth.error = errno;
    (void)!::write(error_pipe, &birth, sizeof birth);
    ::_exit(birth.error == ENOENT ? 127 : 126);
}

// False at the end of the pipe: the exec closed it, or the child is gone.
bool read_birth(int fd, Birth& birth) {
    ssize_t got = 0;
    do {
        got = ::read(fd, &birth, sizeof birth);
    } while (got < 0 && errno == EINTR);
    return got == sizeof birth;
}

// Before there is a worker. What is only to be handed on to it, a window's new size say, is
// nobody's then. The end of the socket is an order too.
bool told_to_end(const WardenSetup& setup) {
    WardenOrder order;
    const ssize_t got = ::recv(setup.control, &order, sizeof order, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    return got != sizeof order || order.kind != WardenOrder::Kind::pass;
}

}  // namespace

void tell(const WardenSetup& setup, const WardenNotice& notice) {
    // MSG_NOSIGNAL: a supervisor that is gone is noticed through its pidfd.
    (void)!::send(setup.control, &notice, sizeof notice, MSG_NOSIGNAL);
}

void give_up(const WardenSetup& setup, WardenNotice notice, const std::string& text) {
    text.copy(notice.text.data(), notice.text.size() - 1);
    tell(setup, notice);
    ::_exit(warden_tree_is_gone);  // nothing was started
}

bool readable(int fd) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, 0) > 0;
}

LockFile take_lock(const WardenSetup& setup) {
    WardenNotice failure{.kind = WardenNotice::Kind::not_started,
                         .stage = WardenNotice::Stage::lock};
    auto lock = LockFile::open(setup.lock_path);
    if (!lock) {
        failure.error = lock.error().code;
        give_up(setup, failure, lock.error().what);
    }
    for (int waited = 0;; ++waited) {
        const auto held = lock->try_lock();
        if (!held) {
            failure.error = held.error().code;
            give_up(setup, failure, held.error().what);
        }
        if (*held) return std::move(*lock);
        if (waited >= lock_wait_ms) {
            const LockRecord holder = lock->read();
            failure.kind = WardenNotice::Kind::lock_busy;
            failure.pid = holder.pid;
            failure.generation = holder.generation;
            give_up(setup, failure, setup.lock_path);
        }
        // One millisecond a try; left at once when told to or when the supervisor is gone.
        std::array<pollfd, 2> fds = {{{setup.control, POLLIN, 0}, {setup.supervisor, POLLIN, 0}}};
        ::poll(fds.data(), fds.size(), 1);
        if (fds[1].revents || (fds[0].revents && told_to_end(setup))) ::_exit(warden_tree_is_gone);
    }
}

std::uint64_t next_generation(const WardenSetup& setup, LockFile& lock) {
    LockRecord record = lock.read();
    record.pid = outer_pid(setup);
    record.generation += 1;
    record.since = ::time(nullptr);
    record.instance = setup.instance;
    record.command.clear();
    for (char** argument = setup.command; *argument; ++argument) {
        if (!record.command.empty()) record.command += ' ';
        record.command += *argument;
    }
    if (auto written = lock.write(record); !written) {
        // Without a number that grows, two generations could not be told apart afterwards.
        give_up(setup,
                {.kind = WardenNotice::Kind::not_started,
                 .stage = WardenNotice::Stage::lock,
                 .error = written.error().code},
                written.error().what);
    }
    return record.generation;
}

pid_t start_worker(const WardenSetup& setup, const LockFile* lock, std::uint64_t generation) {
    WardenNotice failure{.kind = WardenNotice::Kind::not_started,
                         .stage = WardenNotice::Stage::fork};
    std::array<int, 2> pipe{};
    const UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (!self || ::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        failure.error = errno;
        give_up(setup, failure, std::string("prepare fork: ") + std::strerror(errno));
    }
    if (self) set_cloexec(self.get(), true);
    const UniqueFd read_end(pipe[0]);
    UniqueFd write_end(pipe[1]);
    // A millisecond is saved by not copying this process. It waits for the exec then, deaf to
    // everything but KILL, which is enough for process 1 of a namespace: the supervisor's death
    // kills it, and it everybody else. The child runs in this memory, where nobody reads what it
    // writes, the environment above all.
    const pid_t pid = ::getpid() == 1 ? ::vfork() : ::fork();
    if (pid == 0) become_worker(setup, lock, generation, self.get(), write_end.get());
    if (pid < 0) {
        failure.error = errno;
        give_up(setup, failure, std::string("fork: ") + std::strerror(errno));
    }
    write_end.reset();
    // The exec may hang (a dead network disk): the supervisor's death is not to be missed
    // meanwhile.
    Birth birth{};
    pid_t told = pid;
    for (;;) {
        std::array<pollfd, 2> fds = {{{read_end.get(), POLLIN, 0}, {setup.supervisor, POLLIN, 0}}};
        ::poll(fds.data(), fds.size(), -1);
        if (fds[1].revents) ::kill(pid, SIGKILL);
        if (fds[0].revents == 0) continue;
        if (!read_birth(read_end.get(), birth)) break;
        told = birth.pid;
    }
    if (birth.error) {
        ::waitpid(pid, nullptr, 0);
        failure.error = birth.error;
        if (!birth.in_cgroup) failure.stage = WardenNotice::Stage::exec;
        const std::string step = birth.in_cgroup ? "enter " + setup.cgroup_path
                                                 : std::string("exec ") + setup.command[0];
        give_up(setup, failure, step + ": " + std::strerror(birth.error));
    }
    tell(setup, {.kind = WardenNotice::Kind::started, .pid = told, .generation = generation});
    return pid;
}

}  // namespace oneloop
