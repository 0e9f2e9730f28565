// The worker of every tool in script/bench: says when it got to run and whether the one before it
// was still there, then waits to be told to stop.
//
// One record of fixed width per start, appended to the file that ONELOOP_BENCH_STAMPS names:
// nanoseconds of CLOCK_MONOTONIC at the first statement of main, pid, 1 if the process of the
// record before was alive then, else 0.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { record_size = 34 };

static void leave(int number) {
    (void)number;
    _exit(0);
}

// A zombie runs no code any more, so it does not count.
static int is_alive(long pid) {
    char path[64];
    char text[512];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    const ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    if (size <= 0) return 0;
    text[size] = '\0';
    const char* end = strrchr(text, ')');
    return end && end[1] == ' ' && end[2] != 'Z' && end[2] != 'X';
}

static long previous_pid(int fd) {
    char record[record_size + 1] = "";
    const off_t size = lseek(fd, 0, SEEK_END);
    if (size < record_size) return 0;
    if (pread(fd, record, record_size, size - record_size) != record_size) return 0;
    return strtol(record + 21, NULL, 10);
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
    const int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        perror(path);
        return 70;
    }
    const long before = previous_pid(fd);
    const int overlap = before > 0 && is_alive(before);
    char record[64];
    snprintf(record, sizeof record, "%020lld %010ld %d\n",
             (long long)now.tv_sec * 1000000000LL + now.tv_nsec, (long)getpid(), overlap);
    if (write(fd, record, record_size) != record_size) return 70;
    close(fd);
    for (;;)
        pause();
}
