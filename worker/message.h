// message: what a tick tells, rendered once and for all.
//
// Everything that a receiver will see is decided here, the date and the Message-ID as well: every
// try sends these bytes. The same news to the same recipient has the same key, whoever renders it.
// One message for each recipient tells everything of a tick, so that a hundred showtimes are one
// mail.
// Not for which events count (alert.h) and not for storing or sending. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "worker/channel.h"
#include "worker/console.h"
#include "worker/diff.h"

namespace oneloop::worker {

// A message as it will be sent, to the byte, on every try.
struct NewMessage {
    std::string key;  // the same for the same news to the same recipient
    std::string channel;
    std::string recipient;
    std::string subject;  // for lists; the payload has its own
    std::string payload;
    std::vector<std::string> events;  // their ids

    friend bool operator==(const NewMessage&, const NewMessage&) = default;
};

struct Telling {
    enum class About {
        news,      // of this tick
        digest,    // all that there is already: the watch is new, or is about something else now
        overflow,  // the queue was full, and `lost` messages were not written
        test,
        down,        // the source failed `failures` times in a row, with `reason`
        up,          // it works again
        still_down,  // a reminder
        held,        // all that was held back in quiet hours
    };
    About about = About::news;
    std::string job;
    std::string watch;  // its id
    std::string name;   // of the watch, for people
    std::uint64_t tick = 0;
    WallTime wall;
    LocalTime local;  // the same instant
    Language language = Language::ko;
    std::vector<Event> events;
    std::vector<std::string> ids;    // of the events
    std::vector<std::string> of;     // the name of each one's watch; empty: they are all of one
    std::vector<std::string> notes;  // lines in front of the items
    std::uint64_t lost = 0;
    unsigned failures = 0;
    std::string reason;
};

// The name of an event, the same whoever finds it.
std::string event_id(const std::string& job, const std::string& watch, const Event& event);

// What it is about in a few words, such as "새 회차 2개".
std::string headline(const Telling& telling);

// One for each recipient of the channel.
std::vector<NewMessage> compose(const Telling& telling, const Channel& channel);

// The names that words may use.
std::vector<std::string_view> subject_names();
std::vector<std::string_view> item_names();
std::vector<std::string_view> text_names();
std::vector<std::string_view> body_names();

}  // namespace oneloop::worker
