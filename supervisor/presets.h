// presets: what frameworks expect of the process that starts them. A table of data.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"

namespace oneloop {

struct Preset {
    std::string_view name;
    std::string_view summary;
    // Set for the worker; a value may name {fd}, the first handed-over socket.
    std::vector<std::pair<std::string_view, std::string_view>> environment;
    std::string_view default_socket;  // bound when no --socket is given; empty: none
    int stop_signal;
    Duration stop_timeout;
};

// Null when there is none of that name.
const Preset* find_preset(std::string_view name);

// "flask, none"
std::string preset_names();

}  // namespace oneloop
