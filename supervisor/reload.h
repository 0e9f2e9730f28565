// reload: what is looked at before a SIGHUP may cost the worker that runs.
//
// Our own command line and the file of --config, read again. Not for the worker's configuration:
// that is --check. On the loop's thread; reads a file.
#pragma once

#include <optional>
#include <string>

#include "supervisor/options.h"

namespace oneloop {

// Why a start with the same words would be refused now; none: it would not. Says that options have
// changed when they have: those of a supervisor that runs are what they were at its start.
std::optional<std::string> reload_mistake(const Options& options);

}  // namespace oneloop
