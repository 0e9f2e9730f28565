// command_options: the options of the command line, one after the other: their names, what they are
// for, and where their words go. Not for how a line is read (command_line).
#pragma once

#include "supervisor/command_line.h"

namespace CLI {
class App;
}

namespace oneloop {

// `line` has to live as long as `app`.
void add_options(CLI::App& app, CommandLine& line);

}  // namespace oneloop
