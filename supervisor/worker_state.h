// worker_state: why time does not count for a worker: a debugger has it, it is stopped or frozen,
// the machine slept.
//
// A look at /proc and at the cgroup file systems, not a lock: what it shows may be over when it is
// read. Not for what follows from it (watchdog). On the loop's thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "common/unique_fd.h"
#include "supervisor/cgroups.h"
#include "supervisor/watchdog.h"

namespace oneloop {

class WorkerState {
  public:
    // How long the machine has been suspended since it was booted.
    using Suspended = std::function<std::chrono::nanoseconds()>;

    // Others than these are for tests.
    explicit WorkerState(std::string proc = "/proc", Suspended suspended = suspended_so_far);

    // A new generation: whoever gave signs belonged to the one before, and so did the machine's
    // sleep until now.
    void forget();
    // Who has just given a sign of life: the worker, or a process that it started.
    void sign_from(pid_t sender);

    // Of the worker and of the process that gave the last sign. Pids are those of our namespace.
    Hold look(pid_t worker);

  private:
    [[nodiscard]] std::string why(pid_t pid);
    [[nodiscard]] std::string why_tracer(pid_t pid) const;
    [[nodiscard]] bool frozen(pid_t pid);
    // By the difference of two clocks: clock_gettime(2).
    static std::chrono::nanoseconds suspended_so_far();

    std::string proc_;
    Suspended suspended_;
    std::optional<Cgroups> cgroups_;
    pid_t sender_ = 0;
    UniqueFd sender_lives_;  // pidfd: its pid may be given to somebody else
    std::chrono::nanoseconds slept_;
};

}  // namespace oneloop
