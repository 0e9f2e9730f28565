// Item: one showtime.
//
// Not for how it is fetched (feed.h) or compared over time (diff.h). Plain values; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "worker/calendar.h"

namespace oneloop::worker {

struct Item {
    std::string id;     // the only key: two halls may show two films at the same minute
    std::string title;  // entities decoded
    Date date;          // the business date it is printed under
    std::string start;  // as printed, hours 00-29
    std::string end;
    std::optional<std::chrono::minutes> start_clock;  // since 00:00 of `date`
    std::string screen;
    std::string hall_kind;
    std::string format;
    // Missing is not 0: some replies leave the field out, and "sold out" must not follow from that.
    std::optional<int> seats;
    std::optional<int> seats_total;
    bool bookable = true;
    std::string branch;
    std::string link;
    std::string raw;  // the row as JSON text with "date" added; not kept in the ledger

    friend bool operator==(const Item&, const Item&) = default;
};

// Nobody can buy a ticket: no seat left, or the cinema takes no bookings.
bool sold_out(const Item& item);

// True from 30 minutes before the start on: from then on sites drop the row, which says nothing.
bool about_to_start(const Item& item, LocalTime now);

// The same showtime under the same id: film, date and screen did not change.
bool same_showtime(const Item& a, const Item& b);

// For the ledger: everything but id and raw. Reading accepts what an older version wrote; an empty
// result means that the text is not ours.
std::string to_ledger(const Item& item);
std::optional<Item> from_ledger(const std::string& id, const std::string& text);

}  // namespace oneloop::worker
