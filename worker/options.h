// Options: the command line. options.cpp is the only file that names CLI11.
#pragma once

#include <optional>
#include <string>

namespace oneloop::worker {

struct Options {
    std::string config = "oneloop.toml";
    bool standalone = false;
    std::string record;  // where replies are kept; empty: nowhere

    // At most one of these, and then nothing is served and nothing polled for good.
    bool check = false;
    bool print_config = false;
    bool dry_run = false;
    bool outbox = false;
    bool token = false;
    std::string test_channel;
    std::string resend;  // the key of a message
    std::string skip;
    bool state = false;
    std::string explain;  // the id of a showtime, an event or a message
    std::string replay;   // a recording
    bool once = false;
};

// Nothing: the program has said what was asked (--help, --version) or what is wrong, and ends with
// `exit_code`.
std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

}  // namespace oneloop::worker
