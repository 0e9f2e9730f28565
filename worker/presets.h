// Presets: the sources we know by name, each a table of data.
//
// Not for configuration syntax (config.h). Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "worker/source.h"

namespace oneloop::worker {

inline constexpr const char* megabox_server = "https://www.megabox.co.kr";

// Megabox, one date per request, in one of the two forms in which the site's own pages ask:
// schedulePage, one branch each, or (`booking`) selectBokdList, up to five branches each.
// Either reply carries the list of dates, so that "closed" can be told from "broken", and a date
// that is not open there is not asked about. `server` has no slash at its end; `branches` has one
// at least; `areas`: none, or one for each branch.
std::vector<SourceSpec> megabox_sources(const std::string& server,
                                        const std::vector<std::string>& branches, bool booking,
                                        const std::vector<std::string>& areas);

}  // namespace oneloop::worker
