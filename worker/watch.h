// Watch: one thing that is watched, as the configuration describes it.
//
// Not for reading the configuration (config.h). Plain values; any thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "worker/alert.h"
#include "worker/budget.h"
#include "worker/calendar.h"
#include "worker/match.h"
#include "worker/schedule.h"
#include "worker/source.h"

namespace oneloop::worker {

struct Watch {
    std::string id;  // stable: the ledger is kept under it
    std::string name;
    Pace pace;
    DateRule dates;
    std::vector<Condition> where;
    std::vector<SourceSpec> sources;            // not empty; all on one host
    HostRule host;                              // ...which this is
    std::chrono::milliseconds timeout{10'000};  // of one request
    std::string user_agent;
    std::string ca;  // a file of certificates; empty: the system's
    AlertRule alerts;
    std::string pace_note;  // not empty: `every` was raised, and why
};

}  // namespace oneloop::worker
