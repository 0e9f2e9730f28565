// down: may clients be told that no worker is there to answer them? (--down)
//
// Pure. Only while no worker lives and none is about to start: one that crashed waits out its delay
// or a change of a file. During a restart, which takes as long as a worker needs, clients wait in
// the backlog. Not for how they are told (down_answer).
#pragma once

#include <optional>
#include <string>

#include "supervisor/lifecycle.h"

namespace oneloop {

enum class Down {
    hold,         // they wait for the next worker, however long that takes
    unavailable,  // they get a 503
    refuse,       // connections are refused
};

struct DownNotice {
    int retry_after = 0;  // seconds, at least 1
    std::string text;     // for people, one line
    friend bool operator==(const DownNotice&, const DownNotice&) = default;
};

// `last_end`: in the words of the console, "" when unknown. None: nobody is told anything.
std::optional<DownNotice> down_notice(Down mode, const Lifecycle& lifecycle, SteadyTime now,
                                      const std::string& last_end);

// The whole answer, headers and body, to a request that begins with `request`.
std::string down_answer(const DownNotice& notice, const std::string& request);

}  // namespace oneloop
