// inspect: `worker --state` and `--explain ID`: what the state file knows, in words.
//
// Only looks; a worker that runs is not held up. Each returns an exit code.
#pragma once

#include <string>

#include "worker/config.h"

namespace oneloop::worker {

// Each watch, what is known of its showtimes, and how many messages are where.
int show_state(const Config& config);
// All that is known by this name: a showtime, an event or a message.
int explain(const Config& config, const std::string& id);

}  // namespace oneloop::worker
