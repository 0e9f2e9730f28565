// AlertRun: what a worker did, as its surroundings saw it, and the promises that it must keep
// (I1 to I7 of docs/testing.md). Values in, sentences out; the world that makes such runs is
// alert_world.h.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace oneloop::test {

struct AlertRun {
    // As the cinema saw them, in order.
    struct Request {
        int process = 0;
        std::uint64_t tick = 0;
        std::string what;  // one of the questions of a tick
    };
    struct Copy {
        std::string channel;
        std::string payload;
    };
    struct Event {
        std::string id;
        std::string kind;
        std::string item;
    };

    std::vector<Request> requests;
    std::map<std::string, std::vector<Copy>> accepted;  // by the key of the message
    std::set<std::string> doubtful;  // keys of which the worker says that nobody knows
    std::set<std::string> listed;    // showtimes in good replies to polls that were stored
    std::set<std::string> refused;   // showtimes that stood only in refusals and broken replies
    std::vector<Event> events;       // of the state file at the end
    std::set<std::string> channels;
    std::size_t open = 0;  // messages and held news that are not at their end
};

// Empty: every promise was kept. Each begins with the name of the one that was broken.
std::vector<std::string> broken_promises(const AlertRun& run);

}  // namespace oneloop::test
