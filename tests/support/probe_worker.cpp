// A worker that shows what it does: when it ran, what it was handed, and with what stubbornness it
// and its descendants cling to life.
//
//   probe_worker [--intervals FILE] [--log FILE] [--ignore-term] [--escapee] [--stop-takes MS]
//                [--exit CODE [--after MS]] [--write FILE]
//                [--fork-storm]
//                [--say TEXT] [--ready-when FILE [--ready-by child|stranger]] [--alive-every MS]
//                [--serve-when FILE [--healthy-when FILE]]      probe_signs.h
//
// --fork-storm starts 300 descendants that fork as fast as they can, each in a session of its own
// and deaf to every signal.
//
// --write writes to FILE all the time, and so is stuck in the kernel when its disk is.
// --escapee starts a descendant that is hard to find: double-forked, its own session, deaf to every
// signal that can be ignored. Its command line reads "escapee".
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "supervisor/interval_log.h"
#include "tests/support/probe_signs.h"

namespace {

volatile sig_atomic_t stop_signal = 0;

void on_stop(int signal) {
    stop_signal = signal;
}

struct Wishes {
    std::string intervals;
    std::string log;
    std::string write;
    bool ignore_term = false;
    bool escapee = false;
    bool fork_storm = false;
    oneloop::test::SignWishes signs;
    long stop_takes = 0;
    long exit_code = -1;
    long after = 0;
};

void append(const std::string& path, const std::string& line) {
    if (path.empty()) return;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    (void)!::write(fd, line.data(), line.size());
    ::close(fd);
}

void pause_ms(long ms) {
    timespec t{ms / 1000, (ms % 1000) * 1'000'000};
    ::nanosleep(&t, &t);
}

std::string variable(const char* name) {
    const char* value = ::getenv(name);
    return value ? value : "-";
}

std::string open_descriptors() {
    std::string list;
    DIR* dir = ::opendir("/proc/self/fd");
    while (const dirent* entry = ::readdir(dir)) {
        const int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == ::dirfd(dir)) continue;
        list += (list.empty() ? "" : ",") + std::to_string(fd);
    }
    ::closedir(dir);
    return list;
}

// Under another name, so that a census can tell it from a worker.
void start_escapee() {
    if (::fork() != 0) {
        ::wait(nullptr);
        return;
    }
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    ::setsid();
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_IGN);  // kept through exec
    ::execl("/proc/self/exe", "escapee", nullptr);
    ::_exit(1);
}

// Each of them forks again and again until 300 were born in all, by a count in memory that they
// share. Born, not alive: whoever ends is not replaced, so it can't fill the machine's process
// table, however slowly the dead are buried.
void start_storm() {
    void* shared = ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || ::fork() != 0) return;
    constexpr int most = 300;
    constexpr int longest_ms = 60'000;  // should everything that is to end it fail
    auto& born = *new (shared) std::atomic<int>(1);
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_IGN);
    for (int lived = 0; lived < longest_ms;) {
        if (born >= most || born.fetch_add(1) >= most) {
            pause_ms(100);
            lived += 100;
            continue;
        }
        if (::fork() == 0) ::setsid();
    }
    ::_exit(0);
}

Wishes parse(int argc, char** argv) {
    Wishes wishes;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        const auto value = [&] { return i + 1 < argc ? argv[++i] : ""; };
        if (name == "--intervals") wishes.intervals = value();
        if (name == "--log") wishes.log = value();
        if (name == "--write") wishes.write = value();
        if (name == "--say") wishes.signs.say = value();
        if (name == "--ready-when") wishes.signs.ready_when = value();
        if (name == "--ready-by") wishes.signs.ready_by = value();
        if (name == "--serve-when") wishes.signs.serve_when = value();
        if (name == "--healthy-when") wishes.signs.healthy_when = value();
        if (name == "--alive-every") wishes.signs.alive_every = std::atol(value());
        if (name == "--ignore-term") wishes.ignore_term = true;
        if (name == "--fork-storm") wishes.fork_storm = true;
        if (name == "--escapee") wishes.escapee = true;
        if (name == "--stop-takes") wishes.stop_takes = std::atol(value());
        if (name == "--exit") wishes.exit_code = std::atol(value());
        if (name == "--after") wishes.after = std::atol(value());
    }
    return wishes;
}

}  // namespace

int main(int argc, char** argv) {
    if (std::strcmp(argv[0], "escapee") == 0) {
        for (;;)
            pause_ms(1000);
    }
    const Wishes wishes = parse(argc, argv);
    const std::string generation = variable("ONELOOP_GENERATION");

    std::unique_ptr<oneloop::IntervalLog> log;
    oneloop::IntervalLog::Slot* slot = nullptr;
    if (!wishes.intervals.empty()) {
        log = std::make_unique<oneloop::IntervalLog>(wishes.intervals);
        slot = log->enter(std::atol(generation.c_str()));
    }
    struct sigaction action {};
    action.sa_handler = wishes.ignore_term ? SIG_IGN : on_stop;
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        ::sigaction(signal, &action, nullptr);
    const std::string descriptors = open_descriptors();
    if (wishes.escapee) start_escapee();
    if (wishes.fork_storm) start_storm();
    append(wishes.log, "START pid=" + std::to_string(::getpid()) + " generation=" + generation +
                           " flag=" + variable("ONELOOP_RUN_MAIN") + " fds=" + descriptors +
                           " listen=" + variable("LISTEN_FDS") + "/" + variable("LISTEN_PID") +
                           " notify=" + variable("NOTIFY_SOCKET") + "\n");

    if (wishes.exit_code >= 0) {
        pause_ms(wishes.after);
        return static_cast<int>(wishes.exit_code);
    }
    oneloop::test::ProbeSigns signs(wishes.signs);
    // A signal between the test and the pause is caught by the next round.
    while (!stop_signal) {
        signs.turn();
        append(wishes.write, "x");
        if (slot) {
            oneloop::IntervalLog::stamp(*slot);  // without a pause: no gap
        } else {
            pause_ms(50);
        }
    }
    append(wishes.log, "STOP pid=" + std::to_string(::getpid()) +
                           " signal=" + std::to_string(stop_signal) + "\n");
    for (long passed = 0; passed < wishes.stop_takes; ++passed) {
        if (slot) oneloop::IntervalLog::stamp(*slot);
        pause_ms(1);
    }
    append(wishes.log, "CLEAN pid=" + std::to_string(::getpid()) + "\n");
    if (slot) oneloop::IntervalLog::stamp(*slot);
    return 0;
}
