// The journal as a stream, and what the Api remembers between two requests.
#include <algorithm>
#include <charconv>

#include "worker/api.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;

constexpr auto store_retry = 500ms;
constexpr std::size_t most_streams = 100;
constexpr std::size_t rows_at_once = 200;  // of a stream that catches up

}  // namespace

Said Api::stream(const Call& call) {
    if (call.streams >= most_streams) {
        HttpAnswer full = error_answer(503, "streams", "too many follow already; poll instead");
        full.headers.emplace_back("Retry-After", "10");
        return full;
    }
    const std::string& last = call.ask.last_event_id;
    StreamFrom place{newest()};
    std::int64_t seen = 0;
    const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), seen);
    // A number from a state file that was replaced meanwhile is none of ours.
    if (!last.empty() && error == std::errc() && end == last.data() + last.size() && seen >= 0)
        place.after = std::min(place.after, seen);
    return place;
}

std::string Api::stream_opening(StreamFrom& place) {
    // What it has missed is more than is kept: it is told to read everything again.
    bool complete = true;
    try {
        complete = !store() || store()->first_id() <= place.after + 1;
    } catch (const StoreError&) {
        store_.reset();
    }
    if (!complete) place.after = newest();
    // The browser asks again this soon after a reload.
    return "retry: 300\nevent: hello\ndata: {\"complete\":" +
           std::string(complete ? "true" : "false") +
           ",\"generation\":" + std::to_string(board_.read()->generation) +
           ",\"pid\":" + std::to_string(board_.read()->pid) + "}\n\n";
}

std::string Api::stream_more(StreamFrom& place) {
    std::string text;
    try {
        if (!store()) return text;
        for (const JournalRow& row : store()->journal(place.after, rows_at_once)) {
            text += stream_event(row, stamp_);
            place.after = row.id;
        }
    } catch (const StoreError&) {
        store_.reset();  // opened again with the next look
    }
    return text;
}

std::int64_t Api::newest() {
    try {
        return store() ? store()->last_id() : 0;
    } catch (const StoreError&) {
        store_.reset();
        return 0;
    }
}

StoreReader* Api::store() {
    if (store_) return store_.get();
    const SteadyTime now = Steady::now();
    if (store_tried_ && now - *store_tried_ < store_retry) return nullptr;
    store_tried_ = now;
    store_ = StoreReader::open(state_);
    return store_.get();
}

const std::vector<WatchView>& Api::views() {
    const std::int64_t now = newest();
    const LocalTime local = zone_.local(Wall::now());
    if (views_at_ == now && !views_.empty()) {
        // By the clock alone, without anything happening.
        for (std::size_t i = 0; i < views_.size(); ++i)
            views_[i].ended = has_ended(config_.watches[i], local);
        return views_;
    }
    const std::string today = format_date(business_day(local), "%Y%m%d");
    std::map<std::string, WatchRow> rows;
    std::map<std::string, JournalRow> last;
    if (store()) {
        for (WatchRow& row : store()->watches(today))
            rows.insert_or_assign(row.id, row);
        for (JournalRow& row : store()->last_ticks())
            last.insert_or_assign(row.watch, row);
    }
    views_.clear();
    for (const Watch& watch : config_.watches) {
        WatchView view{
            watch.id,       watch.name,  watch.pace.every, watch.until, has_ended(watch, local),
            rows[watch.id], std::nullopt};
        if (const auto found = last.find(watch.id); found != last.end())
            view.last_tick = found->second;
        if (view.row.muted_until && *view.row.muted_until <= Wall::now())
            view.row.muted_until.reset();
        views_.push_back(std::move(view));
    }
    views_at_ = now;
    return views_;
}

const Watch* Api::watch_of(const std::string& id) const {
    const auto found = std::find_if(config_.watches.begin(), config_.watches.end(),
                                    [&](const Watch& watch) { return watch.id == id; });
    return found == config_.watches.end() ? nullptr : &*found;
}

std::uint64_t Api::epoch(std::optional<WallTime>* since) {
    if (!store()) return 0;
    const auto rows = store()->of_kind("leader", "", 0, 1);
    if (rows.empty()) return 0;
    if (since) *since = rows.front().at;
    return epoch_of(rows.front());
}

std::chrono::seconds Api::uptime() const {
    return std::chrono::duration_cast<std::chrono::seconds>(Steady::now() - started_);
}

const Prevented& Api::prevented_elsewhere() {
    try {
        count_journal();
    } catch (const StoreError&) {
        store_.reset();
    }
    return tally_.prevented;
}

void Api::count_journal() {
    constexpr std::size_t at_once = 1'000;
    std::size_t read = at_once;
    // A new file in place of a damaged one begins at 1.
    if (store() && store()->last_id() < counted_) counted_ = 0;
    while (store() && read == at_once) {
        const auto rows = store()->journal(counted_, at_once);
        read = rows.size();
        for (const JournalRow& row : rows) {
            tally_.add(row);
            counted_ = row.id;
        }
    }
}

}  // namespace oneloop::worker
