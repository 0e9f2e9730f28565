// command_line: the words of the command line, as they were typed and not yet understood. The only
// place that names CLI11, with command_options: it costs seconds a file.
//
// Not for what they mean together (options).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "supervisor/options.h"

namespace oneloop {

struct CommandLine {
    std::vector<std::string> command;  // after --; empty: none was given
    bool watches = false;              // --watch, with or without a path
    std::vector<std::string> watch;
    std::vector<std::string> ignore;
    std::string exts;
    std::vector<std::string> filter;
    std::vector<std::string> ignore_file;
    bool no_vcs_ignore = false;
    bool no_default_ignore = false;
    bool list = false;
    bool polls = false;  // --poll, with or without a duration
    std::string poll;
    bool no_poll = false;
    std::string content = "on";
    std::vector<std::string> sockets;
    std::string preset = "auto";
    std::string down;
    std::string stop_signal;
    std::string stop_timeout;
    std::string debounce;
    std::string ready = "none";
    std::string ready_timeout;
    std::string watchdog;
    std::string on_exit = "wait";
    std::string on_crash = "restart";
    std::string build;
    std::string check;
    std::string events_file;
    std::vector<std::string> hooks;
    bool clear = false;
    bool bell = false;
    bool notify = false;
    std::string color = "auto";
    std::string config;
    std::string completions;
    std::string state_dir;
    std::string isolate = "auto";
    std::string if_running;
    std::string standard_input = "null";
    bool stdin_quit = false;
    std::string log_format = "auto";
    bool flask = false;
    bool quiet = false;
    bool verbose = false;
    // All that counts, as it might have been typed: to see whether a file says something else now.
    std::vector<std::string> effective;
    // What comes from a configuration file: "--on-exit", and its place there.
    std::vector<std::pair<std::string, std::string>> origins;
};

// With what --config says where nothing was typed. --help, --version and --completions are refusals
// with code 0.
tl::expected<CommandLine, Refusal> parse_command_line(int argc, char** argv);

// What cannot be understood, with the way to the list of options; exit code 64.
tl::unexpected<Refusal> usage(const std::string& text);

}  // namespace oneloop
