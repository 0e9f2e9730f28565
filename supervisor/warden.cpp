// The warden: parent of one generation of the worker, and its end.
//
// It holds worker.lock, starts the worker, reaps everything below itself and exits with 0 only when
// the kernel says that nothing is left. When the supervisor is gone, however it went, it kills
// every descendant. So the supervisor's one descriptor for this process stands for the whole tree.
//
// Small on purpose: one thread, libc only, no allocation that matters. It does not decide anything;
// it does what the supervisor says and what the supervisor's death says.
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "common/flag.h"
#include "common/lock_file.h"
#include "common/unique_fd.h"
#include "supervisor/cgroup_tree.h"
#include "supervisor/descendants.h"
#include "supervisor/generation.h"
#include "supervisor/warden_protocol.h"

namespace oneloop {
namespace {

bool is_namespace_init() {
    return ::getpid() == 1;
}

class Tree {
  public:
    Tree(const WardenSetup& setup, pid_t leader) : setup_(setup), leader_(leader) {}

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
        if (order.kind == WardenOrder::Kind::pass) return pass(order.signal);
        if (leader_) {
            // A build's shell hands no signal on to what it waits for; a worker knows its helpers.
            const pid_t to = setup_.lock_path.empty() ? -leader_ : leader_;
            ::kill(to, order.signal);
            ::kill(to, SIGCONT);
        } else {
            signal_children(order.signal);
            signal_children(SIGCONT);
        }
    }

    void pass(int signal) const {
        if (!leader_) return;
        const bool job_control = signal == SIGTSTP || signal == SIGCONT;
        // The group exists until the leader is reaped, unless the leader left it.
        if (!job_control || ::kill(-leader_, signal) != 0) ::kill(leader_, signal);
    }

    void kill_all() const {
        // One write, and also whoever is being forked at that moment is hit.
        if (setup_.cgroup >= 0) kill_cgroup(setup_.cgroup);
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
            // Who handed the terminal over has to know that it is free again.
            const int stops = setup_.terminal == Handing::none ? 0 : WUNTRACED;
            const pid_t pid = ::waitpid(-1, &status, WNOHANG | __WALL | stops);
            if (pid == 0) return;
            if (pid < 0 && errno == EINTR) continue;
            if (pid < 0) leave();  // ECHILD: the kernel's word
            if (WIFSTOPPED(status)) {
                const int signal = WSTOPSIG(status);
                const bool job_control =
                    signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
                if (pid == leader_ && job_control) {
                    tell(setup_, {.kind = WardenNotice::Kind::suspended, .signal = signal});
                }
                continue;
            }
            if (pid == leader_) {
                leader_ = 0;
                tell(setup_,
                     {.kind = WardenNotice::Kind::ended, .pid = pid, .wait_status = status});
            }
        }
    }

    [[noreturn]] void leave() const {
        // Nobody else is there to do it.
        if (setup_.cgroup >= 0 && readable(setup_.supervisor)) remove_cgroup(setup_.cgroup_path);
        ::_exit(warden_tree_is_gone);
    }

    const WardenSetup& setup_;
    pid_t leader_;  // 0 once reaped
    bool killing_ = false;
};

Handing handing_of(const char* name) {
    for (const auto handing : {Handing::background, Handing::foreground}) {
        if (std::strcmp(name, handing_names[static_cast<std::size_t>(handing)]) == 0)
            return handing;
    }
    return Handing::none;
}

// Made while the generation before was being ended, perhaps. Anything else than the word, the
// supervisor's end above all, means that there will be no generation.
bool told_to_begin(const WardenSetup& setup) {
    for (;;) {
        std::array<pollfd, 2> fds = {{{setup.control, POLLIN, 0}, {setup.supervisor, POLLIN, 0}}};
        ::poll(fds.data(), fds.size(), -1);
        if (fds[1].revents) return false;
        if (!fds[0].revents) continue;
        WardenOrder order;
        const ssize_t got = ::recv(setup.control, &order, sizeof order, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        return got == sizeof order && order.kind == WardenOrder::Kind::begin;
    }
}

std::string lock_path_in(const char* directory) {
    if (std::strcmp(directory, warden_no_lock) == 0) return "";
    return std::string(directory) + "/" + flag::worker_lock_name;
}

int run(int argc, char** argv) {
    if (argc <= warden_first_command_argument) {
        std::fputs("warden: started by the supervisor, not by hand\n", stderr);
        return warden_failed;
    }
    ::prctl(PR_SET_NAME, "warden");
    const int sockets = std::atoi(argv[1]);
    const bool grouped = std::strcmp(argv[5], no_cgroup) != 0;
    const WardenSetup setup{.control = warden_control_fd(sockets),
                            .supervisor = warden_supervisor_pidfd(sockets),
                            .sockets = sockets,
                            .outer_proc = warden_outer_proc(sockets),
                            .cgroup = grouped ? warden_cgroup(sockets) : -1,
                            .terminal = handing_of(argv[4]),
                            .cgroup_path = argv[5],
                            .instance = argv[2],
                            .lock_path = lock_path_in(argv[3]),
                            .command = argv + warden_first_command_argument};
    for (int fd = setup.control; fd <= warden_last_fd(sockets); ++fd)
        set_cloexec(fd, true);

    sigset_t every;
    ::sigfillset(&every);
    ::sigprocmask(SIG_BLOCK, &every, nullptr);
    // The terminal's signals are the supervisor's business, unless the worker is handed the
    // terminal: only a member of its session can be.
    if (setup.terminal == Handing::none) {
        ::setsid();
    } else {
        ::setpgid(0, 0);
    }
    const auto refuse = [&setup](const char* call, int error = errno) {
        give_up(setup,
                {.kind = WardenNotice::Kind::not_started,
                 .stage = WardenNotice::Stage::fork,
                 .error = error},
                std::string(call) + ": " + std::strerror(error));
    };
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) refuse("prctl PR_SET_CHILD_SUBREAPER");
    // As process 1 our death is everybody's, so the supervisor's may be ours at once, even while we
    // are stopped. As a mere subreaper we are still needed then, to end the others.
    if (is_namespace_init()) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (readable(setup.supervisor)) return warden_tree_is_gone;

    sigset_t children;
    ::sigemptyset(&children);
    ::sigaddset(&children, SIGCHLD);
    const UniqueFd signals(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) refuse("signalfd");

    if (!told_to_begin(setup)) return warden_tree_is_gone;  // nothing was started
    if (setup.lock_path.empty()) Tree(setup, start_worker(setup, nullptr, 0)).watch(signals.get());

    // From here on at most one warden of this instance gets further.
    LockFile lock = take_lock(setup);
    const std::uint64_t generation = next_generation(setup, lock);
    // From here on user code runs.
    const pid_t leader = start_worker(setup, &lock, generation);
    Tree(setup, leader).watch(signals.get());
}

}  // namespace
}  // namespace oneloop

int main(int argc, char** argv) {
    return oneloop::run(argc, argv);
}
