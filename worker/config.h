// Config: what the TOML file says, checked and complete.
//
// Every mistake is reported with its place in the file; unknown keys are mistakes, since a typo in
// an option must not silently mean its default. config*.cpp are the only files that name toml++.
// Read once in main; immutable afterwards.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/alert.h"
#include "worker/channel.h"
#include "worker/console.h"
#include "worker/store_file.h"
#include "worker/watch.h"

namespace oneloop::worker {

struct Config {
    std::string file;
    std::string job = "oneloop";
    std::string timezone = "Asia/Seoul";
    std::string state;  // as written; empty: the default place (state_path)
    Language language = Language::ko;
    std::string listen_host = "127.0.0.1";
    std::uint16_t listen_port = 5000;
    Setting http_token;                   // empty: the one in a file beside the state
    std::vector<std::string> http_hosts;  // names that we are called by, beside loopback
    std::optional<LogFormat> log_format;  // none: pretty on a terminal, else logfmt
    std::size_t most_pending = 1000;      // messages in the queue of a channel
    StoreLimits limits;
    std::vector<Channel> channels;
    HealthRule health;
    std::vector<Watch> watches;
};

struct Problem {
    int line = 0;  // from 1; 0: the file as a whole
    int column = 0;
    std::string message;
};

// "FILE:LINE:COL: message"
std::string format_problem(const std::string& file, const Problem& problem);

struct ConfigReading {
    Config config;  // usable only when there are no problems
    std::vector<Problem> problems;
};
ConfigReading read_config(const std::string& file);
// The same for text that is already in memory; `file` only names it.
ConfigReading parse_config(const std::string& text, const std::string& file);

// The SQLite file: `state` relative to the configuration file; without it
// $STATE_DIRECTORY/<job>.db (systemd.exec(5)) or ~/.local/state/oneloop/<job>.db with the home of
// the password database, because HOME differs between a shell, sudo and a service.
std::string state_path(const Config& config);

// "http://127.0.0.1:8377/x" -> "127.0.0.1:8377"; empty when it is no http or https URL.
std::string host_and_port(const std::string& url);
bool is_loopback(const std::string& host_and_port);

}  // namespace oneloop::worker
