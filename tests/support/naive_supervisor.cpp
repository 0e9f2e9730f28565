// What is commonly done instead, as negative controls: each mode must fail the test that the real
// supervisor passes, or the test proves nothing.
//
//   naive_supervisor MODE LOCK_FILE COMMAND...
//
//   no-lock          two starts, two workers
//   supervisor-lock  the lock is held by the supervisor, and the worker is asked to end when its
//                    parent dies (PR_SET_PDEATHSIG): the lock is free before the worker has ended
//   group-kill       a guardian kills the worker's process group when the supervisor is gone: who
//                    made a session of its own survives
//   leaky            at each SIGUSR1 the worker is replaced, and a descriptor, a watch, a zombie
//                    and 100 KiB are left
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

namespace {

std::vector<std::string> leaked;

[[noreturn]] void become_worker(char** command, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(1);
    ::execvp(command[0], command);
    ::_exit(127);
}

// Ends when the supervisor's end of the pipe is closed, then kills the group.
void start_guardian(pid_t group) {
    int pipe[2];
    if (::pipe(pipe) != 0) ::_exit(1);
    if (::fork() == 0) {
        ::setsid();
        ::close(pipe[1]);
        char byte = 0;
        (void)!::read(pipe[0], &byte, 1);
        ::kill(-group, SIGKILL);
        ::_exit(0);
    }
    ::close(pipe[0]);
    ::fcntl(pipe[1], F_SETFD, FD_CLOEXEC);
}

// Returns after a hundred restarts.
void leak(char** command, int inotify, const std::string& place) {
    sigset_t restart;
    ::sigemptyset(&restart);
    ::sigaddset(&restart, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &restart, nullptr);
    for (int round = 0; round < 100; ++round) {
        const pid_t worker = ::fork();
        if (worker == 0) {
            ::sigprocmask(SIG_UNBLOCK, &restart, nullptr);
            become_worker(command, ::getppid());
        }
        int signal = 0;
        ::sigwait(&restart, &signal);
        ::kill(worker, SIGKILL);  // and never waited for
        const std::string file = place + "." + std::to_string(round);
        (void)!::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        ::inotify_add_watch(inotify, file.c_str(), IN_CLOSE_WRITE);
        leaked.push_back(std::string(100 * 1024UL, 'x'));
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return 64;
    const std::string mode = argv[1];
    char** command = argv + 3;
    if (mode == "leaky") {
        const int inotify = ::inotify_init1(IN_CLOEXEC);
        ::inotify_add_watch(inotify, "/tmp", IN_CLOSE_WRITE);
        leak(command, inotify, argv[2]);
        return 0;
    }
    if (mode == "supervisor-lock") {
        const int lock = ::open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (::flock(lock, LOCK_EX) != 0) return 70;
    }
    const pid_t self = ::getpid();
    const pid_t worker = ::fork();
    if (worker == 0) {
        if (mode == "group-kill") ::setpgid(0, 0);
        if (mode == "supervisor-lock") become_worker(command, self);
        ::execvp(command[0], command);
        ::_exit(127);
    }
    if (mode == "group-kill") start_guardian(worker);
    int status = 0;
    ::waitpid(worker, &status, 0);
    return 0;
}
