// generation: how the warden brings one worker into being: lock, number, process.
//
// Each step either succeeds or tells the supervisor why not and ends the warden, which has nothing
// to clean up by then. Links only libc. In the warden's process and thread only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "common/lock_file.h"
#include "supervisor/warden_protocol.h"

namespace oneloop {

// What the supervisor handed over.
struct WardenSetup {
    int control;
    int supervisor;  // pidfd
    int sockets;
    int outer_proc;  // the supervisor's /proc
    int cgroup;      // directory of the group that the worker enters; -1: the warden's
    Handing terminal;
    std::string cgroup_path;
    std::string instance;
    std::string lock_path;  // empty: no worker, so no lock
    char** command;
};

// Sends a notice to the supervisor. One that is gone is noticed through its pidfd, not here.
void tell(const WardenSetup& setup, const WardenNotice& notice);

// Nothing was started, and never will be by this warden: `notice` with `text`, and the end.
[[noreturn]] void give_up(const WardenSetup& setup, WardenNotice notice, const std::string& text);

// poll(2) says that there is something to read, or that `fd` is not open.
bool readable(int fd);

// worker.lock, held. Waits for a predecessor whose supervisor has just died, up to two seconds.
LockFile take_lock(const WardenSetup& setup);

// The next number, written into the lock file under the lock.
std::uint64_t next_generation(const WardenSetup& setup, LockFile& lock);

// Starts the command; returns its pid when it was executed.
// `lock`: null when there is none.
pid_t start_worker(const WardenSetup& setup, const LockFile* lock, std::uint64_t generation);

}  // namespace oneloop
