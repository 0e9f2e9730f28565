#include "tests/support/alert_run.h"

#include <algorithm>
#include <tuple>

namespace oneloop::test {
namespace {

using Broken = std::vector<std::string>;

bool contains(const std::string& text, const std::string& word) {
    return text.find(word) != std::string::npos;
}

// I1: every event was accepted by every channel. Seats that sell out or a show that is gone are
// told by choice, and not here.
void every_event_is_told(const AlertRun& run, Broken& broken) {
    for (const AlertRun::Event& event : run.events) {
        if (event.kind != "opened" && event.kind != "available" && event.kind != "changed")
            continue;
        for (const std::string& channel : run.channels) {
            std::size_t messages = 0;
            for (const auto& [key, copies] : run.accepted) {
                const bool tells =
                    std::any_of(copies.begin(), copies.end(), [&](const AlertRun::Copy& copy) {
                        return copy.channel == channel && contains(copy.payload, event.id);
                    });
                messages += tells ? 1 : 0;
            }
            const std::string what = event.kind + " of " + event.item + " by " + channel;
            if (messages == 0) broken.push_back("I1: never told: " + what);
            if (messages > 1) broken.push_back("I2: in two messages: " + what);
        }
    }
}

// I2: one copy of each message; two where the worker says that nobody could know, and then alike.
void copies_are_named(const AlertRun& run, Broken& broken) {
    for (const auto& [key, copies] : run.accepted) {
        const std::size_t most = run.doubtful.contains(key) ? 2 : 1;
        if (copies.size() > most)
            broken.push_back("I2: " + std::to_string(copies.size()) + " copies of " + key);
        const bool alike = std::all_of(
            copies.begin(), copies.end(),
            [&](const AlertRun::Copy& copy) { return copy.payload == copies.front().payload; });
        if (!alike) broken.push_back("I2: the copies of " + key + " differ");
    }
}

// I3: each question of a tick once. I4: what two processes ask never interleaves.
void polls_are_single(const AlertRun& run, Broken& broken) {
    std::set<std::tuple<std::uint64_t, std::string>> asked;
    int latest = 0;
    for (const AlertRun::Request& request : run.requests) {
        if (!asked.emplace(request.tick, request.what).second)
            broken.push_back("I3: tick " + std::to_string(request.tick) + " asked twice for " +
                             request.what);
        if (request.process < latest)
            broken.push_back("I4: process " + std::to_string(request.process) + " asked after " +
                             std::to_string(latest));
        latest = std::max(latest, request.process);
    }
}

// I5: what was listed is what was news once. I7: a refusal or a broken reply is no news.
void events_are_what_was_listed(const AlertRun& run, Broken& broken) {
    std::set<std::string> opened;
    for (const AlertRun::Event& event : run.events) {
        if (event.kind == "opened" && !opened.insert(event.item).second)
            broken.push_back("I5: " + event.item + " opened twice");
        if (run.refused.contains(event.item))
            broken.push_back("I7: news from a refusal: " + event.item);
    }
    for (const std::string& item : run.listed) {
        if (!opened.contains(item)) broken.push_back("I5: listed, and no news: " + item);
    }
    for (const std::string& item : opened) {
        if (!run.listed.contains(item)) broken.push_back("I5: news, and never listed: " + item);
    }
    for (const auto& [key, copies] : run.accepted) {
        for (const std::string& item : run.refused) {
            if (contains(copies.front().payload, item))
                broken.push_back("I7: told from a refusal: " + item);
        }
    }
}

}  // namespace

std::vector<std::string> broken_promises(const AlertRun& run) {
    Broken broken;
    every_event_is_told(run, broken);
    copies_are_named(run, broken);
    polls_are_single(run, broken);
    events_are_what_was_listed(run, broken);
    if (run.open > 0)
        broken.push_back("I6: " + std::to_string(run.open) + " messages are open for ever");
    return broken;
}

}  // namespace oneloop::test
