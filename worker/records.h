// records: rows of the state file, as whoever shows them gets them.
//
// Not for changing anything: the poller's own values are in store.h, the deliverer's in outbox.h.
// Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "worker/outbox.h"

namespace oneloop::worker {

// Something that happened, in the order in which it did. `id` only grows, also across restarts.
struct JournalRow {
    std::int64_t id = 0;
    WallTime at;
    std::string kind;   // tick, event, delivery, leader, mute, pause or prevented
    std::string watch;  // empty: about none
    std::string data;   // a JSON object
};

struct WatchRow {
    std::string id;
    std::uint64_t tick = 0;
    std::optional<WallTime> due;
    std::chrono::milliseconds distance{0};  // from the last poll to `due`, as planned
    std::optional<WallTime> last_ok;
    unsigned failures = 0;
    std::optional<WallTime> muted_until;
    std::optional<WallTime> paused_since;
    std::size_t items = 0;  // showtimes that are known...
    std::size_t matching = 0;
    std::size_t bookable = 0;
};

struct StoredMessage {
    std::int64_t id = 0;  // the order in which they were written
    std::string key;
    std::string channel;
    std::string recipient;
    std::string watch;
    std::string subject;
    std::string payload;  // empty in lists
    Delivery life;
    WallTime changed;
};

struct DeliveryRow : StoredMessage {
    std::vector<std::string> events;  // ids
};

struct EventRow {
    std::string id;
    std::string watch;
    std::string kind;
    std::string item;  // its id
    std::uint64_t tick = 0;
    WallTime at;
    std::string fields;  // of the showtime, as the ledger has them; empty: forgotten
    std::vector<DeliveryRow> deliveries;
};

}  // namespace oneloop::worker
