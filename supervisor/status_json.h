// status_json: a status report as JSON and back (docs/control.md). Pure; for control_protocol
// alone.
#pragma once

#include <optional>

#include "supervisor/control_protocol.h"
#include "supervisor/json_fields.h"

namespace oneloop::control {

Json status_json(const StatusReport& report);
StatusReport read_status(const Json& json);

// null for none.
Json cause_json(const std::optional<Cause>& cause);
Json end_json(const std::optional<End>& end);

}  // namespace oneloop::control
