// memory_kills: was it for want of memory that the kernel killed the worker?
//
// The kernel says so only in counters: memory.events of a control group (version 2) or
// memory.oom_control (version 1), and oom_kill of /proc/vmstat for the machine (Linux 4.13).
// They count, they don't name: another process of the group may have been the one. On the loop's
// thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "supervisor/cgroups.h"
#include "supervisor/policy.h"

namespace oneloop {

// The number after `name` in a file of "NAME NUMBER" lines; none when it is not there.
std::optional<std::uint64_t> counter(const std::string& text, const std::string& name);

class MemoryKills {
  public:
    // A worker was started: what has been counted so far was not it.
    void started(pid_t worker);
    // An end that nobody here has asked for; a SIGKILL with the reason, where it was that.
    [[nodiscard]] WorkerEnd explain(const WorkerEnd& end) const;

  private:
    struct Counts {
        std::optional<std::uint64_t> group;
        std::optional<std::uint64_t> machine;
    };
    [[nodiscard]] Counts counts() const;
    [[nodiscard]] std::string since_start() const;

    std::optional<Cgroups> cgroups_;
    std::string file_;  // of the worker's group; empty: none
    Counts before_;
};

}  // namespace oneloop
