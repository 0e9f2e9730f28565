#include "worker/api.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>

#include "worker/page_assets.h"
#include "worker/process_numbers.h"
#include "worker/standby.h"

namespace oneloop::worker {
namespace {

constexpr std::size_t most_listed = 500;

HttpAnswer asset_answer(const Asset& asset) {
    HttpAnswer answer;
    answer.type = std::string(asset.type);
    answer.asset = asset.bytes;
    return answer;
}

std::string parameter(const Route& route, const char* name) {
    const auto found = route.query.find(name);
    return found == route.query.end() ? std::string() : found->second;
}

// A number of the query from 0 to `most`; `fallback` when it is not there or is none.
std::int64_t number(const Route& route, const char* name, std::int64_t fallback,
                    std::int64_t most) {
    const std::string text = parameter(route, name);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return fallback;
    return std::clamp<std::int64_t>(value, 0, most);
}
std::size_t limit_of(const Route& route, std::size_t fallback) {
    const auto asked = number(route, "limit", static_cast<std::int64_t>(fallback),
                              static_cast<std::int64_t>(most_listed));
    return static_cast<std::size_t>(std::max<std::int64_t>(asked, 1));
}
std::int64_t cursor_of(const Route& route) {
    return number(route, "before", 0, std::numeric_limits<std::int64_t>::max());
}

}  // namespace

Api::Api(const Config& config, std::string state, const StatusBoard& board, Orders& orders,
         const Herald& herald, GateRules rules)
    : config_(config),
      state_(std::move(state)),
      board_(board),
      orders_(orders),
      herald_(herald),
      rules_(std::move(rules)),
      zone_(Zone::named(config.timezone).value()),
      stamp_([this](WallTime time) { return zone_.rfc3339(time); }) {
    // Counted from here on: what is in the file already is an earlier process's.
    try {
        const auto before = StoreReader::open(state_);
        counted_ = before ? before->last_id() : 0;
    } catch (const StoreError&) {
        // Whoever polls says what is wrong with it.
    }
}

Said Api::answer(const HttpAsk& ask, std::size_t streams) {
    const auto found = find_route(ask.method, ask.target);
    if (const auto* refusal = std::get_if<HttpAnswer>(&found)) return *refusal;
    const auto& route = std::get<Route>(found);
    if (auto refusal = refuse(ask, route, rules_)) return std::move(*refusal);
    try {
        return dispatch({ask, route, shows_token(ask, rules_), streams});
    } catch (const StoreError& error) {
        store_.reset();
        outbox_.reset();
        return error_answer(503, "store", error.what());
    } catch (const std::exception& error) {
        // A row that another version wrote, perhaps: one answer, not the process.
        return error_answer(500, "internal", error.what());
    }
}

void Api::dress(HttpAnswer& answer) const {
    answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
    answer.headers.emplace_back("Referrer-Policy", "no-referrer");
    if (!answer.any_origin)
        answer.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
    if (answer.type.starts_with("text/html")) {
        // No inline code and nothing from elsewhere.
        answer.headers.emplace_back(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'");
        answer.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
        answer.headers.emplace_back("Permissions-Policy",
                                    "camera=(), microphone=(), geolocation=()");
    }
}

Said Api::dispatch(const Call& call) {
    switch (call.route.page) {
        case Page::home:
            return home(call);
        case Page::asset:
            if (const Asset* asset = find_asset(call.route.id)) return asset_answer(*asset);
            return no_such("file", call.route.id);
        case Page::status:
            return status_page();
        case Page::healthz:
            return health_answer(*board_.read(), BootClock::now());
        case Page::readyz:
            return ready_answer(*board_.read());
        case Page::metrics:
            return metrics(call.streams);
        case Page::openapi:
            return asset_answer(*find_asset("openapi.json"));
        case Page::leader:
            return leader(call);
        case Page::watches:
            return watches();
        case Page::watch:
            return watch(call);
        case Page::items:
            return items(call);
        case Page::ticks:
            return ticks(call);
        case Page::events:
            return events(call);
        case Page::event:
            return event(call);
        case Page::deliveries:
            return deliveries(call);
        case Page::channels:
            return channels();
        case Page::stream:
            return stream(call);
        case Page::resend:
        case Page::skip:
        case Page::poll:
        case Page::mute:
        case Page::unmute:
        case Page::pause:
        case Page::resume:
        case Page::test:
        case Page::check:
            return change(call);
    }
    return no_such("page", call.ask.target);
}

HttpAnswer Api::home(const Call& call) const {
    if (call.ask.accept.find("text/html") != std::string::npos) {
        if (const Asset* page = find_asset("index.html")) return asset_answer(*page);
    }
    return home_answer(*board_.read());
}

HttpAnswer Api::status_page() {
    auto snapshot = board_.read();
    if (snapshot != status_of_ || uptime() != status_at_) {
        status_ = status_answer(*snapshot, uptime(), prevented_elsewhere());
        status_of_ = std::move(snapshot);
        status_at_ = uptime();
    }
    return status_;
}

HttpAnswer Api::leader(const Call& call) {
    const auto snapshot = board_.read();
    LeaderView view;
    view.snapshot = snapshot.get();
    view.epoch = epoch(&view.since);
    view.uptime = uptime();
    view.may_change = call.trusted;
    view.lease = herald_.left();
    for (const LockRecord& one : standbys_of(state_)) {
        view.standbys.push_back({one.pid, WallTime(std::chrono::seconds(one.since)), one.instance,
                                 one.generation, one.command});
    }
    view.prevented = snapshot->prevented;
    view.prevented.add(prevented_elsewhere());
    view.now = Wall::now();
    return json_answer(leader_json(view, stamp_));
}

HttpAnswer Api::watches() {
    return json_answer(watches_json(views(), stamp_));
}

HttpAnswer Api::watch(const Call& call) {
    for (const WatchView& view : views()) {
        if (view.id == call.route.id) return json_answer(watch_json(view, stamp_));
    }
    return no_such("watch", call.route.id);
}

HttpAnswer Api::items(const Call& call) {
    const Watch* watch = watch_of(call.route.id);
    if (!watch) return no_such("watch", call.route.id);
    const Ledger ledger = store() ? store()->items(watch->id) : Ledger{};
    const Date today = business_day(zone_.local(Wall::now()));
    const bool matching = parameter(call.route, "match") == "1";
    std::vector<ItemView> items;
    for (const auto& [id, known] : ledger) {
        if (matching && (known.item.date < today || !matches(known.item, watch->where))) continue;
        items.push_back({&known, &watch->where});
    }
    std::sort(items.begin(), items.end(), [](const ItemView& a, const ItemView& b) {
        const Item& x = a.known->item;
        const Item& y = b.known->item;
        return std::tie(x.date, x.start_clock, x.id) < std::tie(y.date, y.start_clock, y.id);
    });
    return json_answer(items_json(items, stamp_));
}

HttpAnswer Api::ticks(const Call& call) {
    const std::size_t most = limit_of(call.route, 100);
    std::vector<JournalRow> rows;
    if (store())
        rows =
            store()->of_kind("tick", parameter(call.route, "watch"), cursor_of(call.route), most);
    return json_answer(ticks_json(rows, most, stamp_));
}

HttpAnswer Api::events(const Call& call) {
    StoreReader::EventQuery query;
    query.watch = parameter(call.route, "watch");
    query.kind = parameter(call.route, "kind");
    query.most = limit_of(call.route, 50);
    if (const std::string before = parameter(call.route, "before"); !before.empty()) {
        const auto cursor = read_cursor(before);
        if (!cursor) return error_answer(400, "before", "before is what `next` was");
        query.before = cursor->before;
        query.before_id = cursor->id;
    }
    const auto events = store() ? store()->events(query) : std::vector<EventRow>{};
    return json_answer(events_json(events, query.most, !call.trusted, stamp_));
}

HttpAnswer Api::event(const Call& call) {
    StoreReader::EventQuery query;
    query.id = call.route.id;
    const auto events = store() ? store()->events(query) : std::vector<EventRow>{};
    if (events.empty()) return no_such("event", call.route.id);
    return json_answer(event_json(events.front(), !call.trusted, stamp_));
}

HttpAnswer Api::deliveries(const Call& call) {
    const std::size_t most = limit_of(call.route, 50);
    std::vector<DeliveryRow> rows;
    if (store())
        rows = store()->deliveries(parameter(call.route, "state"), cursor_of(call.route), most);
    return json_answer(deliveries_json(rows, most, !call.trusted, stamp_));
}

HttpAnswer Api::channels() const {
    std::vector<ChannelView> views;
    for (const Channel& channel : config_.channels)
        views.push_back({channel.id, std::string(name_of(channel.kind))});
    return json_answer(channels_json(views));
}

HttpAnswer Api::metrics(std::size_t streams) {
    const auto snapshot = board_.read();
    count_journal();
    MetricsView view;
    view.snapshot = snapshot.get();
    view.tally = &tally_;
    view.watches = views();
    view.epoch = epoch(nullptr);
    view.lease = herald_.left();
    view.streams = streams;
    view.process = read_process_numbers(started_wall_);
    // Most of a young file is in its log still: whoever polls knows what it will be.
    view.state_bytes = snapshot->store.bytes;
    struct stat info {};
    if (::stat(state_.c_str(), &info) == 0)
        view.state_bytes = std::max(view.state_bytes, static_cast<std::uint64_t>(info.st_size));
    HttpAnswer answer;
    answer.type = "text/plain; version=0.0.4; charset=utf-8";
    answer.body = metrics_text(view);
    return answer;
}

}  // namespace oneloop::worker
