// Exit codes of our programs (sysexits.h where it has one), and what a wait status says.
#pragma once

#include <string>

namespace oneloop {

enum ExitCode : int {
    exit_ok = 0,
    exit_usage = 64,        // the command line
    exit_unavailable = 69,  // nothing to watch; a socket or a watch can't be had
    exit_internal = 70,     // a bug of ours
    exit_running = 75,      // this instance already runs
    exit_config = 78,       // the configuration
    exit_not_executable = 126,
    exit_not_found = 127,
};

// Werkzeug's and Django's "start me again now". A supervisor of ours never exits with it: one
// reloader started inside another would loop.
inline constexpr int reload_exit_code = 3;

// How a process ended, decoded from wait(2)'s status.
struct ExitStatus {
    int code = 0;    // exit code when signal == 0
    int signal = 0;  // the signal that ended it, or 0

    static ExitStatus from_wait_status(int status);
    friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

// "exit 7", "SIGKILL", "SIGSEGV".
std::string describe(ExitStatus status);

// "SIGTERM" for 15; "signal 99" for what has no name.
std::string signal_name(int signal);

// "TERM", "SIGTERM" or "15"; 0 when it is none of them.
int parse_signal(const std::string& text);

}  // namespace oneloop
