// presets: what frameworks expect of the process that starts them. A table of data; which row a
// command belongs to says recognition.
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
    // Only bound when an argument of the command is this, with which it names the descriptor to
    // serve on; empty: always.
    std::string_view descriptor_argument;
    int stop_signal;
    Duration stop_timeout;
    bool exit_3_reloads;  // "start me again"; else it is how a start fails
    bool serves_http;     // clients understand a 503
    // A command is of this row when it runs one of these programs with this word among its
    // arguments; no word: always.
    std::vector<std::string_view> programs;
    std::string_view word;
    // Where such a command says it wants to listen, and the variables that say it too.
    std::vector<std::string_view> host_options;
    std::vector<std::string_view> port_options;
    std::string_view host_variable;
    std::string_view port_variable;
    std::string_view effect;  // what it changes, for the line that says so
};

const std::vector<Preset>& presets();

// Null when there is none of that name.
const Preset* find_preset(std::string_view name);

// "none, flask, …"
std::string preset_names();

}  // namespace oneloop
