// events_file: what has led to the start of a worker, in a file for that worker: one JSON object a
// line (docs/protocol.md).
#pragma once

#include <optional>
#include <string>

#include "common/result.h"
#include "supervisor/control_protocol.h"

namespace oneloop {

// `cause`: of the restart; none: the first start.
std::string events_text(const std::optional<control::Cause>& cause);

// Replaces the file in one step, so that no reader finds half of it.
Result<void> write_events_file(const std::string& path, const std::string& text);

}  // namespace oneloop
