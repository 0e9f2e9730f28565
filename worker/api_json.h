// api_json: the answers of /api/v1 as JSON text, from values.
//
// The shapes are those of worker/page/openapi.json, and a test holds the two together. Every list
// is
// {"items":[...],"next":...}: what to ask with `before` for older ones, or null.
// Not for reading the values (store_reader.h, api.h). Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "worker/diff.h"
#include "worker/match.h"
#include "worker/records.h"
#include "worker/status.h"

namespace oneloop::worker {

// RFC 3339 in the zone of the configuration.
using Stamp = std::function<std::string(WallTime)>;

struct WatchView {
    std::string id;
    std::string name;
    std::chrono::milliseconds every{0};
    std::optional<Date> until;  // its last day
    bool ended = false;         // which is over
    WatchRow row;
    std::optional<JournalRow> last_tick;
};

struct ItemView {
    const Known* known = nullptr;
    const std::vector<Condition>* where = nullptr;
};

struct ChannelView {
    std::string id;
    std::string kind;
};

// A process that waits for the job.
struct WaitingView {
    int pid = 0;
    WallTime since;
    std::string instance;
    std::uint64_t generation = 0;
    std::string command;
};

struct LeaderView {
    const Snapshot* snapshot = nullptr;
    std::uint64_t epoch = 0;  // 0: unknown
    std::optional<WallTime> since;
    std::chrono::seconds uptime{0};
    bool may_change = false;  // whoever asks has shown the token
    // How long it stays so without a further sign of life; none: for ever.
    std::optional<Duration> lease;
    std::vector<WaitingView> standbys;
    Prevented prevented;  // here and, as far as the journal tells, elsewhere
    WallTime now;
};

// The texts end with a newline.
std::string leader_json(const LeaderView& leader, const Stamp& stamp);
std::string watch_json(const WatchView& watch, const Stamp& stamp);
std::string watches_json(const std::vector<WatchView>& watches, const Stamp& stamp);
std::string items_json(const std::vector<ItemView>& items, const Stamp& stamp);
// `most`: how many were asked for; as many as that may have older ones.
std::string ticks_json(const std::vector<JournalRow>& rows, std::size_t most, const Stamp& stamp);
// `veil` hides addresses from who has not shown the token.
std::string event_json(const EventRow& event, bool veil, const Stamp& stamp);
std::string events_json(const std::vector<EventRow>& events, std::size_t most, bool veil,
                        const Stamp& stamp);
std::string deliveries_json(const std::vector<DeliveryRow>& rows, std::size_t most, bool veil,
                            const Stamp& stamp);
std::string channels_json(const std::vector<ChannelView>& channels);

// One journal row as an event of the stream: "id: ...\nevent: ...\ndata: {...}\n\n".
std::string stream_event(const JournalRow& row, const Stamp& stamp);

// The number that a `leader` row carries; 0: none.
std::uint64_t epoch_of(const JournalRow& leader);

// The cursor of events_json. Nothing: not one of ours.
struct EventCursor {
    WallTime before;
    std::string id;
};
std::optional<EventCursor> read_cursor(const std::string& text);

}  // namespace oneloop::worker
