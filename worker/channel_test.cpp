#include "worker/channel_test.h"

#include <algorithm>

#include "worker/delivering.h"
#include "worker/message.h"

namespace oneloop::worker {
namespace {

std::string answer_of(const Outcome& outcome, bool& good) {
    good = std::holds_alternative<Accepted>(outcome);
    if (const auto* accepted = std::get_if<Accepted>(&outcome)) return accepted->reply;
    if (const auto* refused = std::get_if<Refused>(&outcome))
        return "refused" + std::string(refused->permanent ? "" : " for now") + ": " +
               refused->reply;
    if (const auto* failed = std::get_if<NotSent>(&outcome)) return "not sent: " + failed->why;
    if (const auto* unknown = std::get_if<NoAnswer>(&outcome))
        return "no answer, so nobody knows whether it arrived: " + unknown->why;
    return "stopped";
}

}  // namespace

std::vector<TestResult> try_channel(const Config& config, const std::string& id,
                                    const std::stop_token& stop) {
    std::vector<TestResult> results;
    const auto found = std::find_if(config.channels.begin(), config.channels.end(),
                                    [&](const Channel& channel) { return channel.id == id; });
    if (found == config.channels.end()) return results;
    const Zone zone = Zone::named(config.timezone).value();
    Telling telling;
    telling.about = Telling::About::test;
    telling.job = telling.name = config.job;
    telling.wall = Wall::now();
    telling.local = zone.local(telling.wall);
    telling.language = config.language;
    for (const NewMessage& message : compose(telling, *found)) {
        const Parcel parcel{message.key, message.recipient, message.subject, message.payload};
        TestResult result{message.recipient, false, "stopped"};
        Hooks hooks;
        hooks.arm = [] { return true; };
        hooks.settled = [&](const Outcome& outcome) {
            result.reply = answer_of(outcome, result.good);
        };
        send_by_kind(*found, secret_variables(config.channels), parcel, hooks, stop);
        results.push_back(std::move(result));
    }
    return results;
}

}  // namespace oneloop::worker
