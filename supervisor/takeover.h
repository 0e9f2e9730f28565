// takeover: what stands in the way of an instance that is to start, and its end.
//
// Two kinds: the leftovers of a supervisor that was killed together with its warden, and a
// supervisor that still lives. Nobody is ended by name or by a number from a file: a leftover is
// one that carries this instance's uuid in its environment, lives in its control group, or holds
// the very lock its warden took; a holder is the one whose descriptor has the lock. Each is held by
// a pidfd and looked at again before it is signalled (end_processes). Before the loop; one thread;
// waits.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "supervisor/end_processes.h"
#include "supervisor/instance.h"
#include "supervisor/leftovers.h"

namespace oneloop {

// Processes with a descriptor of the open file description that holds flock(2) on `path`, by
// /proc/PID/fdinfo (proc(5), Linux 3.10). With `taken_by` only where that process took it.
std::vector<ProcessRecord> lock_keepers(const std::string& path, pid_t taken_by = 0);

// What is left of an earlier run of this instance, whose supervisor.lock is ours. Waits up to half
// a second for a warden that is still at work, then ends what remains. Empty when nothing was left.
std::vector<EndResult> end_leftovers(const Instance& instance);

// "ended 2 processes of an earlier run: 4711 (ended), 4712 (killed)"
std::string describe_leftovers(const std::vector<EndResult>& results);

// Asks the supervisor that has supervisor.lock in `directory` to stop and waits for its end; KILL
// after `patience`. Empty when nobody has it (any more). An outcome "refused" names the reason.
std::vector<EndResult> end_holder(const std::string& directory, std::chrono::milliseconds patience);

// Waits until nobody has supervisor.lock in `directory`, at most `limit`.
void wait_for_lock(const std::string& directory, std::chrono::milliseconds limit);

}  // namespace oneloop
