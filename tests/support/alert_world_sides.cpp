// AlertWorld: the cinema on one side, the receivers on the other, and what goes wrong with each.
#include "tests/support/alert_world.h"

#include <SQLiteCpp/SQLiteCpp.h>

namespace oneloop::test {

using namespace std::chrono_literals;
using worker::Channel;
using worker::Hooks;
using worker::HttpReply;
using worker::HttpRequest;
using worker::Parcel;

namespace {

const char* const dates[] = {"20260110", "20260111"};

std::string row(const std::string& id, int seats) {
    return R"({"id":")" + id + R"(","start":"19:00","seats":)" + std::to_string(seats) + "}";
}

}  // namespace

void AlertWorld::change_shows() {
    for (int i = roll(3); i > 0; --i) {
        if (shows_.empty() || chance(50)) {
            if (!calm_) shows_["show-" + std::to_string(++opened_) + "."] = {dates[roll(2)], 5};
            continue;
        }
        const auto one = std::next(shows_.begin(), roll(static_cast<int>(shows_.size())));
        const bool known = run_.listed.contains(one->first);
        if (chance(20)) {
            shows_.erase(one);
        } else if (known) {
            one->second.seats = one->second.seats > 0 ? 0 : 1 + roll(9);
        }
    }
}

HttpReply AlertWorld::reply_for(const std::string& date) {
    HttpReply reply;
    reply.code = 200;
    std::string rows;
    for (const auto& [id, show] : shows_) {
        if (show.date == date) rows += (rows.empty() ? "" : ",") + row(id, show.seats);
    }
    const std::string ghost = "ghost-" + std::to_string(++opened_) + ".";
    const auto broken = [&](const std::string& body) {
        run_.refused.insert(ghost);
        reply.body = body;
        return reply;
    };
    if (chance(4)) return broken("<html>" + ghost + "</html>");
    if (chance(4)) return broken(R"({"rows":[)" + row(ghost, 5) + R"(],"why":"too busy"})");
    if (chance(4)) return broken(R"({"other":[)" + row(ghost, 5) + "]}");
    if (chance(4)) return broken(R"({"rows":[{"name":")" + ghost + R"("}]})");
    if (chance(4)) return broken(R"({"rows":null})");
    if (chance(4)) {
        reply.code = 403;
        return broken(R"({"rows":[)" + row(ghost, 5) + "]}");
    }
    if (chance(6)) {
        reply.error = "refused";
        return reply;
    }
    reply.body = R"({"rows":[)" + rows + "]}";
    for (const auto& [id, show] : shows_) {
        if (show.date == date) in_replies_.push_back(id);
    }
    return reply;
}

std::vector<HttpReply> AlertWorld::reply_to(const std::vector<HttpRequest>& requests,
                                            const std::string& state, int process) {
    crash_at(Point::after_claim);
    const auto tick = static_cast<std::uint64_t>(
        look_into(state).execAndGet("SELECT tick FROM watch").getInt64());
    in_replies_.clear();
    std::vector<HttpReply> replies;
    for (const HttpRequest& request : requests) {
        run_.requests.push_back({process, tick, request.url});
        replies.push_back(reply_for(request.url.substr(request.url.rfind('/') + 1)));
    }
    pass(chance(3) ? std::chrono::nanoseconds(2h) : std::chrono::nanoseconds(100ms));  // stopped
    crash_at(Point::after_fetch);
    return replies;
}

void AlertWorld::accept(const Channel& channel, const Parcel& parcel) {
    run_.accepted[parcel.key].push_back({channel.id, parcel.payload});
}

// One try: everything that its surroundings can do to it.
void AlertWorld::send(const Channel& channel, const Parcel& parcel, const Hooks& hooks) {
    if (flaws_.marks_before) {
        hooks.settled(worker::Accepted{"250"});
        if (chance(20)) throw Crash{};
        return accept(channel, parcel);
    }
    if (chance(10)) return hooks.settled(worker::NotSent{"refused", true});
    if (chance(5)) return hooks.settled(worker::Refused{"450 later", false});
    if (chance(5)) return hooks.settled(worker::Stopped{});
    if (chance(5)) throw Crash{};  // before it was armed
    if (!flaws_.notes_afterwards && !hooks.arm()) return hooks.settled(worker::Stopped{});
    if (chance(5)) return hooks.settled(worker::Refused{"451 later", false});
    if (chance(4)) pass(2h);  // stopped
    // Once for a message: that it is sent again once is the promise, and a third time nobody's.
    if (chance(20) && may_be_doubted(parcel.key)) {
        switch (roll(4)) {
            case 0:
                throw Crash{};  // armed, and nothing sent
            case 1:
                return hooks.settled(worker::NoAnswer{"closed"});
            case 2:
                accept(channel, parcel);
                return hooks.settled(worker::NoAnswer{"closed"});
            default:
                accept(channel, parcel);
                throw Crash{};  // after the dot, or after an answer that was not stored
        }
    }
    accept(channel, parcel);
    hooks.settled(worker::Accepted{"250"});
    if (chance(5)) throw Crash{};  // while the connection is closed
}

}  // namespace oneloop::test
