// tick_note: what the journal keeps of a tick.
//
// Pure; any thread.
#pragma once

#include <string>

#include "common/clock.h"
#include "worker/console.h"

namespace oneloop::worker {

// How the source has been and since when, of one watch.
struct SourceSince {
    Source source = Source::starting;
    WallTime since;
};

// A JSON object: seq, ms, http, rows, matching, bookable, seats (free ones of all matching
// showtimes), new, outcome, since and reason. `before` is brought up to date.
std::string tick_note(const TickReport& report, WallTime now, SourceSince& before);
// From the last note of an earlier process; a text that is no note: starting.
SourceSince since_of(const std::string& note);

}  // namespace oneloop::worker
