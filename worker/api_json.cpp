#include "worker/api_json.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "worker/text.h"

namespace oneloop::worker {
namespace {

using json = nlohmann::ordered_json;

std::string dump(const json& body) {
    return body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}
json time_or_null(const std::optional<WallTime>& time, const Stamp& stamp) {
    return time ? json(stamp(*time)) : json(nullptr);
}
json text_or_null(const std::string& text) {
    return text.empty() ? json(nullptr) : json(text);
}
WallTime from_seconds(std::int64_t seconds) {
    return WallTime(std::chrono::seconds(seconds));
}
json list(json items, json next = nullptr) {
    return {{"items", std::move(items)}, {"next", std::move(next)}};
}

json fields_of(const Item& item) {
    const auto number = [](const std::optional<int>& value) {
        return value ? json(*value) : json(nullptr);
    };
    return {{"title", item.title},
            {"date", format_date(item.date, "%Y-%m-%d")},
            {"start", item.start},
            {"end", item.end},
            {"screen", item.screen},
            {"hall_kind", item.hall_kind},
            {"format", item.format},
            {"seats", number(item.seats)},
            {"seats_total", number(item.seats_total)},
            {"bookable", item.bookable},
            {"branch", item.branch},
            {"link", item.link}};
}

json watch_of(const WatchView& watch, const Stamp& stamp) {
    json data = json::object();
    if (watch.last_tick) data = json::parse(watch.last_tick->data, nullptr, false);
    json source = {{"state", "starting"},
                   {"since", nullptr},
                   {"fail_streak", watch.row.failures},
                   {"last_error", nullptr}};
    if (watch.last_tick && data.is_object()) {
        source["state"] = data.value("outcome", "starting");
        if (data.contains("since") && data["since"].is_number_integer())
            source["since"] =
                stamp(WallTime(std::chrono::milliseconds(data["since"].get<std::int64_t>())));
        source["last_error"] = text_or_null(data.value("reason", ""));
    }
    const bool idle = watch.row.paused_since || watch.ended;
    return {
        {"id", watch.id},
        {"name", watch.name},
        {"every_ms", watch.every.count()},
        {"tick_seq", watch.row.tick},
        {"due", idle ? json(nullptr) : time_or_null(watch.row.due, stamp)},
        {"last_ok", time_or_null(watch.row.last_ok, stamp)},
        {"source", std::move(source)},
        {"counts",
         {{"items", watch.row.items},
          {"matching", watch.row.matching},
          {"bookable", watch.row.bookable}}},
        {"muted_until", time_or_null(watch.row.muted_until, stamp)},
        {"paused_since", time_or_null(watch.row.paused_since, stamp)},
        {"active_until", watch.until ? json(format_date(*watch.until, "%Y-%m-%d")) : json(nullptr)},
        {"ended", watch.ended}};
}

json delivery_of(const DeliveryRow& row, bool veil, const Stamp& stamp) {
    return {{"id", row.key},
            {"channel", row.channel},
            {"to", veil ? veiled(row.recipient) : row.recipient},
            {"watch", row.watch},
            {"subject", row.subject},
            {"state", std::string(name_of(row.life.phase))},
            {"attempt", row.life.attempts},
            {"doubtful", row.life.doubtful > 0},
            {"written", stamp(row.life.created)},
            {"next_at", time_or_null(row.life.next, stamp)},
            {"changed", stamp(row.changed)},
            {"reply",
             text_or_null(veil ? without_address(row.life.reply, row.recipient) : row.life.reply)}};
}

json event_of(const EventRow& event, bool veil, const Stamp& stamp) {
    json payload = nullptr;
    if (!event.fields.empty()) {
        if (const auto item = from_ledger(event.item, event.fields)) payload = fields_of(*item);
    }
    json deliveries = json::array();
    for (const DeliveryRow& row : event.deliveries)
        deliveries.push_back(delivery_of(row, veil, stamp));
    return {{"id", event.id},     {"watch", event.watch},    {"kind", event.kind},
            {"item", event.item}, {"tick", event.tick},      {"at", stamp(event.at)},
            {"payload", payload}, {"deliveries", deliveries}};
}

// Nothing without an end: the lock is held until the process ends.
json lease_of(const LeaderView& leader) {
    if (!leader.snapshot->polling) return 0;
    if (!leader.lease) return nullptr;
    return std::chrono::duration_cast<std::chrono::milliseconds>(*leader.lease).count();
}

json standbys_of(const LeaderView& leader, const Stamp& stamp) {
    json waiting = json::array();
    for (const WaitingView& one : leader.standbys) {
        waiting.push_back({{"pid", one.pid},
                           {"since", stamp(one.since)},
                           {"instance", text_or_null(one.instance)},
                           {"generation", one.generation},
                           {"command", one.command}});
    }
    return waiting;
}

std::int64_t to_ms(WallTime time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

std::string leader_json(const LeaderView& leader, const Stamp& stamp) {
    const Snapshot& now = *leader.snapshot;
    return dump({{"version", now.version},
                 {"job", now.job},
                 {"self", now.polling},
                 {"why_not", text_or_null(now.polling ? "" : now.why_not)},
                 {"instance", text_or_null(now.instance)},
                 {"generation", now.generation},
                 {"pid", now.pid},
                 {"epoch", leader.epoch},
                 {"since", time_or_null(leader.since, stamp)},
                 {"lease_left_ms", lease_of(leader)},
                 {"standbys", standbys_of(leader, stamp)},
                 {"tick", now.tick},
                 {"next", text_or_null(now.next)},
                 {"source", now.source},
                 {"trouble", text_or_null(now.trouble)},
                 {"duplicates_prevented", leader.prevented.total()},
                 {"uptime_s", leader.uptime.count()},
                 {"may_change", leader.may_change},
                 {"now", stamp(leader.now)}});
}

std::string watch_json(const WatchView& watch, const Stamp& stamp) {
    return dump(watch_of(watch, stamp));
}

std::string watches_json(const std::vector<WatchView>& watches, const Stamp& stamp) {
    json items = json::array();
    for (const WatchView& watch : watches)
        items.push_back(watch_of(watch, stamp));
    return dump(list(std::move(items)));
}

std::string items_json(const std::vector<ItemView>& items, const Stamp& stamp) {
    json rows = json::array();
    for (const ItemView& view : items) {
        const Known& known = *view.known;
        json why = json::array();
        bool match = true;
        for (std::size_t i = 0; i < view.where->size(); ++i) {
            const bool ok = matches(known.item, {(*view.where)[i]});
            why.push_back({{"where", i}, {"ok", ok}});
            match = match && ok;
        }
        rows.push_back({{"key", known.item.id},
                        {"fields", fields_of(known.item)},
                        {"state", std::string(name_of(known.state))},
                        {"match", match},
                        {"first_seen", stamp(from_seconds(known.first_seen))},
                        {"last_seen", stamp(from_seconds(known.last_seen))},
                        {"why", std::move(why)}});
    }
    return dump(list(std::move(rows)));
}

std::string ticks_json(const std::vector<JournalRow>& rows, std::size_t most, const Stamp& stamp) {
    json items = json::array();
    for (const JournalRow& row : rows) {
        const json data = json::parse(row.data, nullptr, false);
        if (!data.is_object()) continue;
        const auto number = [&](const char* name) { return data.value(name, std::int64_t{0}); };
        items.push_back({{"id", row.id},
                         {"watch", row.watch},
                         {"at", stamp(row.at)},
                         {"seq", number("seq")},
                         {"ms", number("ms")},
                         {"http", number("http")},
                         {"rows", number("rows")},
                         {"matching", number("matching")},
                         {"bookable", number("bookable")},
                         {"seats", number("seats")},
                         {"new", number("new")},
                         {"outcome", data.value("outcome", "")},
                         {"reason", text_or_null(data.value("reason", ""))}});
    }
    const bool more = rows.size() == most && !rows.empty();
    return dump(list(std::move(items), more ? json(std::to_string(rows.back().id)) : nullptr));
}

std::string event_json(const EventRow& event, bool veil, const Stamp& stamp) {
    return dump(event_of(event, veil, stamp));
}

std::string events_json(const std::vector<EventRow>& events, std::size_t most, bool veil,
                        const Stamp& stamp) {
    json items = json::array();
    for (const EventRow& event : events)
        items.push_back(event_of(event, veil, stamp));
    json next = nullptr;
    if (events.size() == most && !events.empty())
        next = std::to_string(to_ms(events.back().at)) + "." + events.back().id;
    return dump(list(std::move(items), std::move(next)));
}

std::string deliveries_json(const std::vector<DeliveryRow>& rows, std::size_t most, bool veil,
                            const Stamp& stamp) {
    json items = json::array();
    for (const DeliveryRow& row : rows) {
        json one = delivery_of(row, veil, stamp);
        one["events"] = row.events;
        items.push_back(std::move(one));
    }
    const bool more = rows.size() == most && !rows.empty();
    return dump(list(std::move(items), more ? json(std::to_string(rows.back().id)) : nullptr));
}

std::string channels_json(const std::vector<ChannelView>& channels) {
    json items = json::array();
    for (const ChannelView& channel : channels)
        items.push_back({{"id", channel.id}, {"kind", channel.kind}});
    return dump(list(std::move(items)));
}

std::string stream_event(const JournalRow& row, const Stamp& stamp) {
    json data = {{"at", stamp(row.at)}, {"watch", text_or_null(row.watch)}};
    const json own = json::parse(row.data, nullptr, false);
    if (own.is_object()) data.update(own);
    // The dump is one line, whatever is in it.
    return "id: " + std::to_string(row.id) + "\nevent: " + row.kind + "\ndata: " + dump(data) +
           "\n";
}

std::uint64_t epoch_of(const JournalRow& leader) {
    const json data = json::parse(leader.data, nullptr, false);
    return data.is_object() ? data.value("epoch", std::uint64_t{0}) : 0;
}

std::optional<EventCursor> read_cursor(const std::string& text) {
    std::int64_t ms = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, ms);
    if (error != std::errc() || rest == end || *rest != '.') return std::nullopt;
    // WallTime counts nanoseconds: from 1970 to 2262.
    constexpr auto latest =
        std::chrono::floor<std::chrono::milliseconds>(WallTime::duration::max());
    if (ms < 0 || ms > latest.count()) return std::nullopt;
    return EventCursor{WallTime(std::chrono::milliseconds(ms)), std::string(rest + 1, end)};
}

}  // namespace oneloop::worker
