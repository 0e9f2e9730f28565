// Durations as people write them: "500ms", "10s", "5min", "2h". A unit is required, so that
// nobody has to guess what "--stop-timeout 10" meant.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/result.h"

namespace oneloop {

// Units: ms, s, min, h; a fraction is allowed ("1.5s"). "0" alone needs no unit.
// Errors: an empty text, no unit, an unknown unit, a negative or overlong number.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

// A short form that parse_duration reads back: "120ms", "1.5s", "2min".
std::string format_duration(std::chrono::milliseconds value);

}  // namespace oneloop
