// Watch: one thing that is watched, as the configuration describes it.
//
// Not for reading the configuration (config.h). Plain values; any thread.
#pragma once

#include <chrono>
#include <optional>
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
    std::string ca;                    // a file of certificates; empty: the system's
    unsigned retries = 1;              // of a request without a reply, in the same poll
    std::optional<std::string> proxy;  // as HttpRequest has it, and...
    std::string proxy_from;            // ...where it stands, when it is a secret
    Http2 http2 = Http2::automatic;
    AlertRule alerts;
    unsigned confirm = 1;       // polls in a row that show an opening before it is news
    std::optional<Date> until;  // the last day on which it is polled
    std::string pace_note;      // not empty: `every` was raised, and why
};

// Its last day is over: it is not polled any more.
inline bool has_ended(const Watch& watch, LocalTime now) {
    return watch.until && date_of(now) > *watch.until;
}

}  // namespace oneloop::worker
