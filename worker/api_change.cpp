// What a person may change through the API. Each change is a line in the log.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "worker/api.h"
#include "worker/api_body.h"
#include "worker/by_hand.h"
#include "worker/channel_test.h"

namespace oneloop::worker {
namespace {

using json = nlohmann::ordered_json;

HttpAnswer answer_json(const json& body, unsigned code = 200) {
    return json_answer(body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n", code);
}

HttpAnswer ok() {
    return answer_json({{"ok", true}});
}

}  // namespace

Said Api::change(const Call& call) {
    switch (call.route.page) {
        case Page::resend:
            return settle(call, true);
        case Page::skip:
            return settle(call, false);
        case Page::test:
            return test(call);
        case Page::check:
            return check(call);
        default:
            break;
    }
    const Watch* watch = watch_of(call.route.id);
    if (!watch) return no_such("watch", call.route.id);
    if (call.route.page == Page::poll) return poll_now(*watch);
    if (call.route.page == Page::pause || call.route.page == Page::resume)
        return pause(*watch, call.route.page == Page::pause);
    return mute(call, *watch);
}

HttpAnswer Api::settle(const Call& call, bool again) {
    if (!store()) return no_such("delivery", call.route.id);
    if (!outbox_) outbox_.emplace(state_);
    switch (decide_by_hand(*outbox_, call.route.id, again, Wall::now())) {
        case ByHand::unknown:
            return no_such("delivery", call.route.id);
        case ByHand::forgotten:
            return error_answer(409, "forgotten", "its text is forgotten already");
        case ByHand::not_open:
        case ByHand::changed:
            return error_answer(409, "not_open",
                                again
                                    ? "only an uncertain, a dead or a skipped one can be sent again"
                                    : "only an uncertain or a dead one can be skipped");
        case ByHand::done:
            break;
    }
    log::info("by HTTP: message {} is {}", call.route.id, again ? "sent again" : "skipped");
    return ok();
}

HttpAnswer Api::poll_now(const Watch& watch) {
    const auto snapshot = board_.read();
    if (!snapshot->polling) return error_answer(409, "not_polling", "this process does not poll");
    views_at_ = -1;  // a claimed tick is no row of the journal, and counts here
    for (const WatchView& view : views()) {
        if (view.id != watch.id) continue;
        if (view.row.paused_since) return error_answer(409, "paused", "it is paused");
        if (view.ended) return error_answer(409, "ended", "its last day is over");
        // The poller would wait all the same: this is so that the person knows.
        using std::chrono::ceil;
        std::chrono::seconds left{0};
        std::string why = "it was polled less than its shortest distance ago";
        if (view.row.due) {
            const WallTime begun = *view.row.due - view.row.distance;
            left = ceil<std::chrono::seconds>(begun + watch.pace.floor - Wall::now());
            if (left > watch.pace.floor) left = {};
        }
        if (const auto free = snapshot->free.find(watch.id); free != snapshot->free.end()) {
            const auto busy = ceil<std::chrono::seconds>(free->second - BootClock::now());
            if (busy > left) why = "its host may not be asked yet";
            left = std::max(left, busy);
        }
        if (left.count() > 0) {
            HttpAnswer busy = error_answer(429, "too_soon", why);
            busy.headers.emplace_back("Retry-After", std::to_string(left.count()));
            return busy;
        }
        log::info("by HTTP: {} is polled now", watch.id);
        orders_.poll(watch.id);
        return answer_json({{"tick_seq", view.row.tick + 1}, {"due", stamp_(Wall::now())}}, 202);
    }
    return no_such("watch", watch.id);
}

HttpAnswer Api::mute(const Call& call, const Watch& watch) {
    if (!store()) return error_answer(409, "not_polling", "nothing has been polled yet");
    std::optional<WallTime> until;
    if (call.route.page == Page::mute) {
        const auto read = read_mute(call.ask.body, Wall::now());
        if (const auto* refusal = std::get_if<HttpAnswer>(&read)) return *refusal;
        until = std::get<WallTime>(read);
    }
    store()->set_mute(watch.id, until);
    views_at_ = -1;
    log::info("by HTTP: {} is {}", watch.id,
              until ? "mute until " + stamp_(*until) : std::string("not mute any more"));
    return answer_json({{"muted_until", until ? json(stamp_(*until)) : json(nullptr)}});
}

HttpAnswer Api::pause(const Watch& watch, bool on) {
    // The polling thread of another process would not look.
    if (!board_.read()->polling || !store())
        return error_answer(409, "not_polling", "this process does not poll");
    store()->set_pause(watch.id, on ? std::optional(Wall::now()) : std::nullopt);
    views_at_ = -1;
    orders_.look_at_pauses();
    log::info("by HTTP: {} is {}", watch.id, on ? "paused" : "polled again");
    for (const WatchView& view : views()) {
        if (view.id == watch.id) return json_answer(watch_json(view, stamp_));
    }
    return no_such("watch", watch.id);
}

Said Api::test(const Call& call) {
    const std::string& id = call.route.id;
    bool there = false;
    for (const Channel& channel : config_.channels)
        there = there || channel.id == id;
    if (!there) return no_such("channel", id);
    log::info("by HTTP: a test goes through {}", id);
    return Later{[&config = config_, id](const std::stop_token& stop) {
        bool good = true;
        std::string reply;
        for (const TestResult& result : try_channel(config, id, stop)) {
            good = good && result.good;
            reply += (reply.empty() ? "" : "; ") + result.reply;
        }
        return answer_json({{"ok", good}, {"reply", reply}});
    }};
}

HttpAnswer Api::check(const Call& call) const {
    const ConfigReading reading = parse_config(call.ask.body, config_.file);
    json errors = json::array();
    for (const Problem& problem : reading.problems) {
        errors.push_back(
            {{"line", problem.line}, {"column", problem.column}, {"message", problem.message}});
    }
    return answer_json({{"ok", errors.empty()}, {"errors", std::move(errors)}});
}

}  // namespace oneloop::worker
