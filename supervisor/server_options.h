// server_options: of the command line what concerns a server: its preset, its sockets, and what
// clients get while it is down. The other options are in options.
#pragma once

#include <optional>

#include "supervisor/command_line.h"
#include "supervisor/options.h"

namespace oneloop {

// `options.command` is known.
std::optional<Refusal> apply_preset(const CommandLine& line, Options& options);

// After the preset.
std::optional<Refusal> apply_sockets(const CommandLine& line, Options& options);

}  // namespace oneloop
