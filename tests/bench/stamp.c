// The worker of every tool in script/bench: says when it got to run and whether the one before it
// was still there, then waits to be told to stop.
//
// One record of fixed width per start, appended to the file that ONELOOP_BENCH_STAMPS names:
// nanoseconds of CLOCK_MONOTONIC at the first statement of main, own pid, 1 if another one was
// alive then, else 0. A living one holds a lock on the file: pids would say nothing about a worker
// in a PID namespace of its own.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { record_size = 34 };

static void leave(int number) {
    (void)number;
    _exit(0);
}

int main(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    signal(SIGTERM, leave);

    const char* path = getenv("ONELOOP_BENCH_STAMPS");
    if (!path) {
        fputs("stamp: ONELOOP_BENCH_STAMPS is not set; started by script/bench\n", stderr);
        return 64;
    }
    const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        perror(path);
        return 70;
    }
    const int overlap = flock(fd, LOCK_EX | LOCK_NB) != 0;
    char record[64];
    snprintf(record, sizeof record, "%020lld %010ld %d\n",
             (long long)now.tv_sec * 1000000000LL + now.tv_nsec, (long)getpid(), overlap);
    if (write(fd, record, record_size) != record_size) return 70;
    if (overlap) flock(fd, LOCK_EX);  // ours when the other one is gone
    for (;;)
        pause();
}
