// commands: what `supervisor NAME …` does besides running a worker. One row each; the work is in
// the file the row names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/option_model.h"

namespace oneloop {

struct CommandEntry {
    std::string_view name;
    std::string_view summary;  // for --help; empty: not shown there
    // Arguments after the name. Returns the exit code; prints what it has to say.
    int (*run)(const std::vector<std::string>& arguments);
};

// Null when `name` is none. A command of the user's own always follows "--", so there is no doubt.
const CommandEntry* find_command(std::string_view name);

// Those of --help.
std::vector<CommandInfo> visible_commands();
// One line a command, for --help; empty when there is none.
std::string describe_commands();

}  // namespace oneloop
