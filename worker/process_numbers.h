// process_numbers: what this process uses, read from the kernel, for /metrics.
//
// Any thread.
#pragma once

#include "common/clock.h"
#include "worker/metrics.h"

namespace oneloop::worker {

ProcessNumbers read_process_numbers(WallTime started);

}  // namespace oneloop::worker
