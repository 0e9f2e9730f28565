// The warden: parent of one generation of the worker, and its end.
//
// It holds worker.lock, starts the worker, reaps everything below itself and exits with 0 only when
// the kernel says that nothing is left. When the supervisor is gone, however it went, it kills
// every descendant. So the supervisor's one descriptor for this process stands for the whole tree.
//
// Small on purpose: one thread, libc only, no allocation that matters. It does not decide anything;
// it does what the supervisor says and what the supervisor's death says.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "common/flag.h"
#include "common/lock_file.h"
#include "common/unique_fd.h"
#include "supervisor/descendants.h"
#include "supervisor/warden_protocol.h"

namespace oneloop {
namespace {

// How long to wait for a predecessor whose supervisor has just died: its warden needs some
// milliseconds to end it, and up to 70 ms were measured for a killed supervisor's own descriptors.
constexpr int lock_wait_ms = 2000;

struct Setup {
    int control;
    int supervisor;  // pidfd
    int sockets;
    pid_t outer_pid;  // ours, as the supervisor has it
    std::string instance;
    std::string lock_path;
    char** command;
};

bool is_namespace_init() {
    return ::getpid() == 1;
}

bool readable(int fd) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, 0) > 0;
}

void tell(const Setup& setup, const WardenNotice& notice) {
    // MSG_NOSIGNAL: a supervisor that is gone is noticed through its pidfd.
    (void)!::send(setup.control, &notice, sizeof notice, MSG_NOSIGNAL);
}

[[noreturn]] void give_up(const Setup& setup, WardenNotice notice, const std::string& text) {
    text.copy(notice.text.data(), notice.text.size() - 1);
    tell(setup, notice);
    ::_exit(warden_tree_is_gone);  // nothing was started
}

LockFile take_lock(const Setup& setup) {
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
        if (::poll(fds.data(), fds.size(), 1) > 0) ::_exit(warden_tree_is_gone);
    }
}

std::uint64_t next_generation(const Setup& setup, LockFile& lock) {
    LockRecord record = lock.read();
    record.pid = setup.outer_pid;
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

// In the child, single-threaded as its parent was, so that setenv is safe.
[[noreturn]] void become_worker(const Setup& setup, const LockFile& lock, std::uint64_t generation,
                                int warden_pidfd, int error_pipe) {
    // A group of its own, so that kill(0, …) stays with the worker. Not a session of its own, too:
    // that would be another scheduling group (sched(7), autogroup), and half a millisecond under
    // load.
    ::setpgid(0, 0);
    // The warden's death is the worker's. Set first, then look whether it has happened already.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (readable(warden_pidfd)) ::_exit(warden_failed);
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    set_cloexec(lock.fd(), false);
    ::setenv(flag::lock_fd, std::to_string(lock.fd()).c_str(), 1);
    ::setenv(flag::generation, std::to_string(generation).c_str(), 1);
    if (setup.sockets > 0) ::setenv(flag::listen_pid, std::to_string(::getpid()).c_str(), 1);
    ::execvp(setup.command[0], setup.command);
    const int error = errno;
    (void)!::write(error_pipe, &error, sizeof error);
    ::_exit(error == ENOENT ? 127 : 126);
}

pid_t start_worker(const Setup& setup, const LockFile& lock, std::uint64_t generation) {
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
    const pid_t pid = ::fork();
    if (pid == 0) become_worker(setup, lock, generation, self.get(), write_end.get());
    if (pid < 0) {
        failure.error = errno;
        give_up(setup, failure, std::string("fork: ") + std::strerror(errno));
    }
    write_end.reset();
    // The exec may hang (a dead network disk): the supervisor's death is not to be missed
    // meanwhile.
    std::array<pollfd, 2> fds = {{{read_end.get(), POLLIN, 0}, {setup.supervisor, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), -1);
    if (fds[1].revents) ::kill(pid, SIGKILL);
    int error = 0;
    ssize_t got = 0;
    do {
        got = ::read(read_end.get(), &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    if (got == sizeof error) {
        ::waitpid(pid, nullptr, 0);
        failure.stage = WardenNotice::Stage::exec;
        failure.error = error;
        give_up(setup, failure,
                std::string("exec ") + setup.command[0] + ": " + std::strerror(error));
    }
    tell(setup, {.kind = WardenNotice::Kind::started, .pid = pid, .generation = generation});
    return pid;
}

class Tree {
  public:
    Tree(const Setup& setup, pid_t leader) : setup_(setup), leader_(leader) {}

    [[noreturn]] void watch(int signals) {
        for (;;) {
            std::array<pollfd, 3> fds = {{{signals, POLLIN, 0},
                                          {killing_ ? -1 : setup_.control, POLLIN, 0},
                                          {killing_ ? -1 : setup_.supervisor, POLLIN, 0}}};
            // While killing, look again every 5 ms: a fork may have slipped between two looks.
            ::poll(fds.data(), fds.size(), killing_ ? 5 : -1);
            signalfd_siginfo info{};
            while (::read(signals, &info, sizeof info) > 0) {
            }
            if (fds[1].revents) obey();
            if (fds[2].revents) killing_ = true;
            if (killing_) kill_all();
            reap();
        }
    }

  private:
    void obey() {
        WardenOrder order;
        const ssize_t got = ::recv(setup_.control, &order, sizeof order, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got != sizeof order || order.kind == WardenOrder::Kind::kill) {
            killing_ = true;  // end of file: the supervisor let go of us
            return;
        }
        if (leader_) {
            ::kill(leader_, order.signal);
            ::kill(leader_, SIGCONT);
        } else {
            signal_children(order.signal);
            signal_children(SIGCONT);
        }
    }

    static void kill_all() {
        // kill(2), -1 from process 1 of a namespace: all its members at once, faster than any fork.
        if (is_namespace_init()) {
            ::kill(-1, SIGKILL);
        } else {
            signal_children(SIGKILL);
        }
    }

    void reap() {
        for (;;) {
            int status = 0;
            const pid_t pid = ::waitpid(-1, &status, WNOHANG | __WALL);
            if (pid == 0) return;
            if (pid < 0 && errno == EINTR) continue;
            if (pid < 0) ::_exit(warden_tree_is_gone);  // ECHILD: the kernel's word
            if (pid == leader_) {
                leader_ = 0;
                tell(setup_,
                     {.kind = WardenNotice::Kind::ended, .pid = pid, .wait_status = status});
            }
        }
    }

    const Setup& setup_;
    pid_t leader_;  // 0 once reaped
    bool killing_ = false;
};

int run(int argc, char** argv) {
    if (argc <= warden_first_command_argument) {
        std::fputs("warden: started by the supervisor, not by hand\n", stderr);
        return warden_failed;
    }
    ::prctl(PR_SET_NAME, "warden");
    const int sockets = std::atoi(argv[1]);
    const Setup setup{.control = warden_control_fd(sockets),
                      .supervisor = warden_supervisor_pidfd(sockets),
                      .sockets = sockets,
                      .outer_pid = std::atoi(argv[2]),
                      .instance = argv[3],
                      .lock_path = std::string(argv[4]) + "/" + flag::worker_lock_name,
                      .command = argv + warden_first_command_argument};
    set_cloexec(setup.control, true);
    set_cloexec(setup.supervisor, true);

    ::setsid();  // the terminal's signals are the supervisor's business
    sigset_t every;
    ::sigfillset(&every);
    ::sigprocmask(SIG_BLOCK, &every, nullptr);
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return warden_failed;
    // As process 1 our death is everybody's, so the supervisor's may be ours at once, even while we
    // are stopped. As a mere subreaper we are still needed then, to end the others.
    if (is_namespace_init()) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (readable(setup.supervisor)) return warden_tree_is_gone;

    sigset_t children;
    ::sigemptyset(&children);
    ::sigaddset(&children, SIGCHLD);
    const UniqueFd signals(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) return warden_failed;

    // From here on at most one warden of this instance gets further.
    LockFile lock = take_lock(setup);
    const std::uint64_t generation = next_generation(setup, lock);
    // From here on user code runs.
    const pid_t leader = start_worker(setup, lock, generation);
    Tree(setup, leader).watch(signals.get());
}

}  // namespace
}  // namespace oneloop

int main(int argc, char** argv) {
    return oneloop::run(argc, argv);
}
