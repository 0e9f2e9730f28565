// status: what /, /status, /healthz and /readyz answer, from one value.
//
// /status keeps the shape of the Flask program that this one replaces (open, lastCheck, info), so
// that its page works unchanged, and adds the object "oneloop".
// Not for the rest of the API (api_json.h) or for sharing between threads (status_board.h). Pure;
// any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "worker/http_answer.h"
#include "worker/outbox.h"
#include "worker/prevented.h"

namespace oneloop::worker {

// How often a host was asked: by its name in the configuration and the HTTP status; 0: no answer.
using Asked = std::map<std::pair<std::string, int>, std::uint64_t>;

// The messages, as whoever delivers them sees them.
struct OutboxStatus {
    OutboxCounts counts;
    struct Uncertain {
        std::string key;
        std::string channel;
        std::string to;
        std::string subject;
        std::string since;  // RFC 3339
        std::string reply;
    };
    std::vector<Uncertain> which;  // the oldest
};

// The state file, as whoever polls sees it.
struct StoreStatus {
    std::string trouble;              // why it can't be written now; empty: it can
    std::uint64_t unsaved_ticks = 0;  // polls that could not be stored, ever in this process
    std::uint64_t bytes = 0;
    std::string set_aside;  // where an earlier one lies that could not be read
};

struct Snapshot {
    // The part of the original.
    bool open = false;                   // something can be booked now
    std::optional<std::string> checked;  // local "YYYY-MM-DD HH:MM:SS" of the last readable reply
    std::vector<std::string> rows;       // raw matching rows, each a JSON object

    // Ours.
    std::string version;
    std::string job;
    std::string instance;  // empty without a supervisor
    std::uint64_t generation = 0;
    int pid = 0;
    bool polling = false;
    std::string why_not;  // when not polling: one sentence
    std::string trouble;  // why what the last tick saw could not be stored; empty: it was
    std::uint64_t tick = 0;
    std::string next;  // RFC 3339; empty when no poll is planned
    std::string source = "starting";
    std::vector<std::string> paused;       // watches that a person has paused
    std::vector<std::string> ended;        // whose last day is over
    Prevented prevented;                   // what did not happen a second time
    std::map<std::string, BootTime> free;  // when the host of a watch may be asked again
    Asked asked;                           // requests, by how they ended
    std::chrono::nanoseconds lag{0};       // how late the last tick began
    std::optional<BootTime> overdue;       // past this the loop counts as stuck
    StoreStatus store;
    std::optional<OutboxStatus> outbox;  // none: nobody delivers here
};

// `uptime` is the process's, `elsewhere` what other processes were refused.
HttpAnswer status_answer(const Snapshot& snapshot, std::chrono::seconds uptime,
                         const Prevented& elsewhere = {});
// 200 while the loop advances.
HttpAnswer health_answer(const Snapshot& snapshot, BootTime now);
// 200 if this process polls and what it sees is stored; else 503 with the reason `starting`,
// `standby` or `store`.
HttpAnswer ready_answer(const Snapshot& snapshot);
// One line for who has no browser.
HttpAnswer home_answer(const Snapshot& snapshot);

}  // namespace oneloop::worker
