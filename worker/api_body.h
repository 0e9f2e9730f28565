// api_body: what the body of a change means.
//
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/clock.h"
#include "worker/http_answer.h"

namespace oneloop::worker {

// RFC 3339, "2025-12-02T12:00:00+09:00" or with Z; a fraction of a second is dropped. Nothing: it
// is none, or before 1970 or after 2200.
std::optional<WallTime> parse_rfc3339(std::string_view text);

// {"until":"<RFC 3339>"}; until when to be silent. The other: why not.
std::variant<WallTime, HttpAnswer> read_mute(const std::string& body, WallTime now);

}  // namespace oneloop::worker
