// Presets: the sources we know by name, each a table of data.
//
// Not for configuration syntax (config.h). Pure; any thread.
#pragma once

#include <string>

#include "worker/source.h"

namespace oneloop::worker {

inline constexpr const char* megabox_server = "https://www.megabox.co.kr";

// Megabox, one branch, one date per request. `server` has no slash at its end.
// The reply is asked to carry the date list, so that "closed" can be told from "broken".
SourceSpec megabox_source(const std::string& server, const std::string& branch);

}  // namespace oneloop::worker
