// match: which showtimes a watch is about, the configuration's `where`.
//
// Not for deciding what is news (diff.h). Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "worker/item.h"

namespace oneloop::worker {

struct Condition {
    enum class Kind { contains, equals, in, at_least, between };
    std::string field;
    Kind kind = Kind::contains;
    std::vector<std::string> values;  // one; `in`: any number; `between`: two, inclusive
    int least = 0;                    // at_least
};

// The names a condition may use.
bool is_field(std::string_view name);
const std::vector<std::string>& field_names();
bool is_number_field(std::string_view name);
bool is_clock_field(std::string_view name);

// True when all conditions hold. `contains` compares without spaces, hyphens and case; `between`
// compares clocks, so "26:00" is later than "09:00". An unknown number of seats satisfies
// at_least: a missing field must not hide a showtime.
bool matches(const Item& item, const std::vector<Condition>& where);

}  // namespace oneloop::worker
