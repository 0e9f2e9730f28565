// options: what the command line asks for, as values that fit together. Not for how it is written
// (command_line).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/color.h"
#include "common/log.h"
#include "supervisor/down.h"
#include "supervisor/isolation.h"
#include "supervisor/path_rules.h"
#include "supervisor/policy.h"
#include "supervisor/poll_rule.h"
#include "supervisor/presets.h"
#include "supervisor/readiness.h"
#include "supervisor/sockets.h"

namespace oneloop {

struct HookSpec {
    std::string event;  // "start", "restart", "crash", "stop", "build-failed"
    std::string line;   // for the shell
};

struct Options {
    std::vector<std::string>
        command;                 // never empty; its program resolved when it is our own worker
    bool command_given = false;  // with --; else it is our own worker
    bool our_worker = false;
    bool watch = false;
    std::vector<std::string> watch_paths;
    RuleSet rules;
    bool vcs_ignore = true;
    bool list = false;  // say what would be watched, and no more
    PollOptions polling;
    bool content = true;             // only other bytes are a change
    const Preset* preset = nullptr;  // never null
    bool recognised = false;         // by the command; else it was asked for
    std::vector<SocketSpec> sockets;
    Down down = Down::hold;
    int stop_signal = 15;
    Duration stop_timeout{};
    std::optional<Duration> debounce;
    ReadySpec ready;
    Duration ready_timeout = std::chrono::seconds(90);  // 0: no limit
    Duration watchdog{};                                // 0: none
    PolicyOptions::OnExit on_exit = PolicyOptions::OnExit::wait;
    PolicyOptions::OnCrash on_crash = PolicyOptions::OnCrash::restart;
    enum class IfRunning { error, wait, replace };
    IfRunning if_running = IfRunning::error;
    std::string build;  // lines for the shell; empty: none
    std::string check;
    std::string events_file;  // empty: none
    std::vector<HookSpec> hooks;
    bool clear = false;
    bool bell = false;
    bool notify = false;
    std::string state_dir;
    std::string warden_path;
    enum class Stdin { null, worker };
    Stdin standard_input = Stdin::null;
    bool stdin_quit = false;
    IsolationChoice isolate = IsolationChoice::automatic;
    log::Color color = log::Color::automatic;
    log::Level log_level = log::Level::info;
    log::Format log_format = log::Format::text;
    bool journal = false;                // entries of systemd's journal instead
    std::vector<std::string> typed;      // argv, to be read again
    std::vector<std::string> effective;  // with what the file of --config says; empty without one
};

// What to do instead of running: print `text` (to stdout when the code is 0) and exit with `code`.
struct Refusal {
    int code = 0;
    std::string text;
};

// What we write ourselves below a watched directory is no change. With each of the endings.
void ignore_own(Options& options, const std::string& absolute,
                const std::vector<std::string>& endings);

tl::expected<Options, Refusal> parse_options(int argc, char** argv);

}  // namespace oneloop
