// diff: what is news, given what the ledger knows and what one date's reply listed.
//
// Everything is keyed by the showtime's id. The start time is no key: with two dates or two
// screens there are two shows at 19:00.
// One call is about one date whose reply was read; a date that failed takes no part, so it neither
// removes nor announces anything. Not for storing the result (store.h). Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "worker/item.h"

namespace oneloop::worker {

enum class State {
    available,
    sold_out,
    gone,         // vanished although it had not begun
    started,      // vanished because it began, which is no news
    unconfirmed,  // never yet seen often enough to be news
};
std::string_view name_of(State state);
State state_from(std::string_view name);  // unknown: gone, which announces nothing wrongly

// A row of the ledger.
struct Known {
    Item item;
    State state = State::available;
    std::uint64_t transition = 0;  // grows with every event of this showtime
    std::int64_t first_seen = 0;   // seconds since the epoch
    std::int64_t last_seen = 0;
    // Polls in a row that have shown an opening which is not news yet. Meanwhile `state` is what it
    // was before, and so nobody is shown what nobody is told.
    unsigned waiting = 0;
};
using Ledger = std::map<std::string, Known>;

enum class EventKind {
    opened,     // an id never seen before; once per id, for ever
    available,  // nobody could book it, now somebody can
    sold_out,
    changed,  // the id now means another film, date or screen
    gone,
};
std::string_view name_of(EventKind kind);
std::optional<EventKind> event_kind_from(std::string_view name);

struct Event {
    EventKind kind;
    Item item;
    std::uint64_t transition = 0;
};

struct Difference {
    std::vector<Event> events;  // in the order of the reply; gone ones last
    std::vector<Known> rows;    // what the ledger must now hold for the showtimes touched
};

// `fetched`: all showtimes that the reply for `date` listed (none is a valid reply).
// `now`: the local time; `wall`: the same instant, seconds since the epoch.
// `whole`: nothing is missing from it; otherwise a part could not be read, and nothing counts as
// gone. An unknown number of seats keeps the last known one.
// `confirm`: so many polls in a row have to show an opening (`opened`, `available`) before it is
// news. A poll that could not be read neither counts nor interrupts the row.
// `elsewhere`: ids that the same poll has found under any date; they have moved and are not gone.
Difference compare(const Ledger& known, const std::vector<Item>& fetched, Date date, LocalTime now,
                   std::int64_t wall, bool whole = true, unsigned confirm = 1,
                   const std::set<std::string>& elsewhere = {});

}  // namespace oneloop::worker
