#include "supervisor/selftest_probe.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "common/exit_status.h"
#include "common/flag.h"
#include "common/unique_fd.h"
#include "supervisor/interval_log.h"

namespace oneloop {
namespace {

volatile sig_atomic_t told_to_stop = 0;

void on_stop(int) {
    told_to_stop = 1;
}

std::int64_t number_in(const char* name) {
    const char* value = std::getenv(name);
    return value ? std::atoll(value) : 0;
}

// The selftest keeps a lock on the log as long as it lives.
bool selftest_is_gone(const std::string& log) {
    const UniqueFd fd(::open(log.c_str(), O_RDONLY | O_CLOEXEC));
    return !fd || ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0;
}

void start_escapee(const std::string& log) {
    const pid_t between = ::fork();
    if (between != 0) {
        ::waitpid(between, nullptr, 0);
        return;
    }
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    ::setsid();
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_IGN);  // kept through exec
    // Through exec: what is close-on-exec is gone, the worker's lock among it, so that nothing but
    // the supervisor's care keeps the next worker waiting for this process.
    ::execl("/proc/self/exe", "supervisor", selftest_escapee_mode, log.c_str(), nullptr);
    ::_exit(1);
}

// What it still takes when it was told to stop, as one does that ends what it has begun.
constexpr std::int64_t farewell = 100'000'000;  // ns

struct Manners {
    bool deaf = false;      // to TERM
    bool finishes = false;  // takes its farewell
};

[[noreturn]] void live(const std::string& path, Manners manners, IntervalLog& log,
                       IntervalLog::Slot& slot) {
    struct sigaction action {};
    action.sa_handler = manners.deaf ? SIG_IGN : on_stop;
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        ::sigaction(signal, &action, nullptr);
    start_escapee(path);
    for (unsigned long round = 0; !told_to_stop; ++round) {
        log.stamp(slot);  // without a pause: no gap
        // Without a supervisor above it a worker that nobody ends would go on for ever.
        if (round % 100'000'000 == 0 && selftest_is_gone(path)) break;
    }
    log.stamp(slot);
    const std::int64_t told = slot.last;
    while (manners.finishes && slot.last < told + farewell)
        log.stamp(slot);
    ::_exit(0);
}

// The worker of a control: as the real one, but nobody has handed it anything.
[[noreturn]] void become_worker(const std::string& path, Manners manners) {
    IntervalLog log(path);
    auto* slot = log.enter(0);
    if (!slot) ::_exit(exit_internal);
    live(path, manners, log, *slot);
}

// Ends when the supervisor's end of the pipe is closed, then kills the group.
void start_guardian(pid_t group) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) ::_exit(exit_internal);
    if (::fork() == 0) {
        ::prctl(PR_SET_PDEATHSIG, 0);
        ::setsid();
        ::close(pipe[1]);
        char byte = 0;
        (void)!::read(pipe[0], &byte, 1);
        ::kill(-group, SIGKILL);
        ::_exit(0);
    }
    ::close(pipe[0]);
}

void on_alarm(int) {}

// As a second start does: refused when the first one stays.
bool lock_within_a_second(int lock) {
    struct sigaction action {};
    action.sa_handler = on_alarm;  // without SA_RESTART: flock(2) returns
    ::sigaction(SIGALRM, &action, nullptr);
    ::alarm(1);
    const bool locked = ::flock(lock, LOCK_EX) == 0;
    ::alarm(0);
    return locked;
}

}  // namespace

int selftest_probe(const std::vector<std::string>& arguments) {
    if (arguments.size() != 1) return exit_usage;
    const auto generation = number_in(flag::generation);
    const auto pid = number_in(flag::worker_pid);
    IntervalLog log(arguments[0]);
    auto* slot = log.enter(generation, pid > 0 ? static_cast<pid_t>(pid) : ::getpid());
    if (!slot) return exit_internal;
    // As the contract wants it; also keeps the lock from the descendant.
    if (const auto proof = flag::prove_worker(); proof) {
        live(arguments[0], {generation % 2 == 0, false}, log, *slot);
    } else {
        const std::string complaint = proof.error().what + "\n";
        const auto directory = std::filesystem::path(arguments[0]).parent_path();
        const UniqueFd file(::open((directory / "unproven").c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        (void)!::write(file.get(), complaint.data(), complaint.size());
        return exit_internal;
    }
}

int selftest_escapee(const std::vector<std::string>& arguments) {
    if (arguments.size() != 1) return exit_usage;
    ::prctl(PR_SET_NAME, "escapee");
    while (!selftest_is_gone(arguments[0]))
        ::poll(nullptr, 0, 500);
    return exit_ok;
}

int selftest_control(const std::vector<std::string>& arguments) {
    if (arguments.size() != 3) return exit_usage;
    const std::string& mode = arguments[0];
    const std::string& log = arguments[2];
    const bool group_kill = mode == "group-kill";
    if (!group_kill && mode != "supervisor-lock") return exit_usage;
    UniqueFd lock(group_kill ? -1
                             : ::open(arguments[1].c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!group_kill && !lock_within_a_second(lock.get())) return exit_running;
    const pid_t self = ::getpid();
    for (;;) {
        const pid_t worker = ::fork();
        if (worker == 0) {
            lock.reset();  // as an exec would have it
            ::prctl(PR_SET_PDEATHSIG, group_kill ? 0 : SIGTERM);
            if (group_kill) ::setpgid(0, 0);
            if (!group_kill && ::getppid() != self) ::_exit(1);
            become_worker(log, {group_kill, !group_kill});
        }
        if (worker < 0) return exit_internal;
        if (group_kill) {
            ::setpgid(worker, worker);
            start_guardian(worker);
        }
        while (::waitpid(worker, nullptr, 0) != worker) {
        }
        ::poll(nullptr, 0, 1);
    }
}

}  // namespace oneloop
