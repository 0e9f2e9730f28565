// end_processes: ends processes that are not our children, and never a stranger that was given the
// pid meanwhile.
//
// A pidfd first, then a second look at the process: while the pidfd still answers, the pid can't
// have gone to anybody else, so what was read is what will be signalled. Not for choosing them
// (leftovers). One thread; waits.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "supervisor/leftovers.h"

namespace oneloop {

struct EndResult {
    enum class Outcome {
        ended,         // by SIGTERM
        killed,        // by SIGKILL, after `patience`
        already_gone,  // before we could signal it
        refused,       // not the process that was listed, or not ours to signal
        stuck,         // KILL was sent and it is still there: in the kernel
    };
    int pid = 0;
    Outcome outcome = Outcome::refused;
    std::string reason;  // of refused and stuck
};

// All at once: SIGTERM and SIGCONT, `patience` for all of them together, SIGKILL. In the order
// given.
std::vector<EndResult> end_processes(const std::vector<ProcessRecord>& listed,
                                     std::chrono::milliseconds patience);

std::string describe(EndResult::Outcome outcome);  // "ended", "already gone"

}  // namespace oneloop
