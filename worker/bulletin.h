// bulletin: what one tick writes into the outbox.
//
// Joins alert (which events are told), message (in which words) and how full the queues are. Not
// for storing it (store.h), which happens in the transaction of the tick. Pure; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "worker/alert.h"
#include "worker/message.h"

namespace oneloop::worker {

// An event of a tick, under a name that comes out the same when it is found again.
struct EventRecord {
    std::string id;
    std::string kind;
    std::string item;
    std::uint64_t transition = 0;
};

// How full a channel's queue is.
struct QueueState {
    std::size_t pending = 0;       // not at its end, whatever it waits for
    std::uint64_t overflowed = 0;  // messages that were not written, and nobody was told
    std::size_t held = 0;          // in quiet hours, to be told afterwards
};

// One thing that a channel is told after its quiet hours.
struct HeldNews {
    std::string channel;
    std::string id;  // of the event; of a note about the source, a name of its own
    std::string watch;
    std::string note;  // not empty: a line, and no event
    Event event{};
    std::int64_t number = 0;  // the order in which they were written; from the store
    WallTime at{};            // the same
};

// What a tick tells, beside what it saw.
struct Alerts {
    std::optional<std::string> told;  // what the watch is about, now that all of it is told
    std::vector<EventRecord> events;
    std::vector<NewMessage> messages;
    std::vector<HeldNews> held;
    // Messages that were not written, by channel: its queue was full. A later message that says
    // so (`overflow_told`) sets the number back.
    std::map<std::string, std::uint64_t> overflow;
    std::vector<std::string> overflow_told;
    std::optional<bool> down_told;  // set, anew, or set back: that the source fails has been told
};

struct Findings {
    Telling told;  // job, watch, tick, time, language; the rest is filled in here
    const AlertRule* rule = nullptr;
    std::string subject;      // subject_of the watch
    std::string told_before;  // the same when all was told the last time; empty: never
    bool any_read = false;
    const HealthRule* health = nullptr;
    std::optional<WallTime> down_told;  // when it was last told that the source fails
    unsigned failures = 0;              // polls in a row, this one included
    std::string reason;                 // of the last
    std::vector<Event> events;          // of the tick, about matching showtimes
    std::vector<Item> shown;            // all matching showtimes that there are now
    std::string note;  // a line in the first digest, which is told with nothing else in it too
};

// What was held for a channel, as one digest for each recipient. `names`: of the watches. What is
// known of a showtime by now is in its event already.
std::vector<NewMessage> write_held(Telling telling, const std::vector<HeldNews>& held,
                                   const std::map<std::string, std::string>& names,
                                   const Channel& channel);

Alerts write_bulletin(const Findings& findings, const std::vector<Channel>& channels,
                      std::size_t most_pending,
                      const std::function<QueueState(const std::string& channel)>& queue_of);

}  // namespace oneloop::worker
