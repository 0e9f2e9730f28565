// recognition: which preset a command belongs to, by what it runs: argv[0], or for a Python
// interpreter its -m module or its script. Everything else, a wrapper such as env or sh -c among
// it, is no preset's, and gets nothing.
//
// Values in, values out: the environment is asked for through a function. Any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/presets.h"

namespace oneloop {

// Null when it is none of them.
const Preset* recognise(const std::vector<std::string>& command);

// True when the command itself says which descriptor it serves on ("--fd 3", "-b fd://3"). Then it
// is not told by LISTEN_FDS as well: gunicorn would take it twice, and fail.
bool names_descriptor(const Preset& preset, const std::vector<std::string>& command);

// What to listen on when no --socket is given, in the words of --socket; "": nothing. `variable`
// returns "" for what is not set.
std::string default_socket(const Preset& preset, const std::vector<std::string>& command,
                           const std::function<std::string(std::string_view)>& variable);

}  // namespace oneloop
