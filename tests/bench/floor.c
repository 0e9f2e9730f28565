// The least that a restart on a save can cost: watch one directory, TERM, wait, spawn. No debounce,
// no lock, no rules, no tree of processes; what script/bench divides everybody's times by.
//
//   floor DIRECTORY PROGRAM [ARG...]
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

static pid_t start(char** command) {
    pid_t pid = 0;
    const int error = posix_spawn(&pid, command[0], NULL, NULL, command, environ);
    if (error) fprintf(stderr, "floor: %s: %s\n", command[0], strerror(error));
    return error ? -1 : pid;
}

int main(int argc, char** argv) {
    if (argc < 3) {
        fputs("usage: floor DIRECTORY PROGRAM [ARG...]\n", stderr);
        return 64;
    }
    const int watch = inotify_init1(IN_CLOEXEC);
    if (watch < 0 || inotify_add_watch(watch, argv[1], IN_CLOSE_WRITE) < 0) {
        perror(argv[1]);
        return 69;
    }
    pid_t worker = start(argv + 2);
    char events[4096];
    while (worker > 0 && read(watch, events, sizeof events) > 0) {
        kill(worker, SIGTERM);
        waitpid(worker, NULL, 0);
        worker = start(argv + 2);
    }
    return 70;
}
