// alert: which events are told, and when all that there is is told at once.
//
// Not for the words (message.h). Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "worker/diff.h"
#include "worker/match.h"
#include "worker/source.h"

namespace oneloop::worker {

struct AlertRule {
    std::vector<std::string> channels;  // ids; none: nobody is told
    std::vector<EventKind> events = {EventKind::opened, EventKind::available, EventKind::changed};
    bool digest = true;  // false: what a new watch finds is not told at all
};

// When the source itself is news: once when it fails, by choice now and then while it goes on
// failing, once when it works again.
struct HealthRule {
    std::vector<std::string> channels;  // ids; none: nobody is told
    unsigned fail_after = 5;            // polls in a row
    bool recovery = true;
    std::optional<std::chrono::milliseconds> remind;
};

// Is the event one that the rule names? What opens or changes sold out is none: it is told as
// `available` when somebody can book it.
bool worth_telling(const Event& event, const AlertRule& rule);

// What a watch is about. When it differs from what it was about when everything was told, the
// watch is new, or looks for something else now, and what it finds then is told as one digest and
// not as news.
std::string subject_of(const std::vector<SourceSpec>& sources, const std::vector<Condition>& where,
                       const DateRule& dates);

}  // namespace oneloop::worker
