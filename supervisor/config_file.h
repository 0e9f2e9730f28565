// config_file: the [supervisor] table of a TOML file, as options that might have been typed. The
// only place of the supervisor that names toml++.
//
// The keys are the long names of the options, and "command". Other tables are somebody else's: one
// file serves the supervisor and its worker, which may be all that it is about. Not for what the
// values mean (command_line, options).
#pragma once

#include <string>
#include <vector>

#include "supervisor/option_model.h"

namespace oneloop {

struct ConfigEntry {
    std::string key;
    std::vector<std::string> values;  // of a flag none
    std::string place;                // "oneloop.toml:3:16"
};

struct ConfigFile {
    std::vector<ConfigEntry> entries;   // of flags only those that are set
    std::vector<std::string> problems;  // all of them, each with its place; empty: none
    bool has_table = false;
};

ConfigFile read_config_file(const std::string& path, const OptionModel& model);

}  // namespace oneloop
