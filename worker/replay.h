// replay: `worker --record FILE` and `--replay FILE`: the replies of a cinema, kept, and read again
// without it.
#pragma once

#include <string>

#include "worker/config.h"
#include "worker/poller.h"

namespace oneloop::worker {

// From here on each request and its reply is a line of FILE (recording.h), which is made if it is
// not there, for its owner alone. Throws std::runtime_error.
void record_into(const std::string& file, Poller::Parts& parts);

// What would have been printed and told, with an empty memory and the clock of the recording.
// A file that is no recording is taken for one reply, to every question, now. Stores and sends
// nothing. Returns an exit code.
int replay(const Config& config, const std::string& file, const Style& style);

}  // namespace oneloop::worker
