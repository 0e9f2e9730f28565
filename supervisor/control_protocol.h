// control_protocol: the lines of the control socket, one JSON object each (docs/control.md).
//
// Pure: text in, values out, and back. Both ends use it. Not for the socket itself (control,
// remote) and not for what a request leads to (brain).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace oneloop::control {

// Longest line in either direction, without its newline.
inline constexpr std::size_t longest_line = 64 * 1024;
inline constexpr std::size_t most_own_writes = 20;          // named in a status
inline constexpr const char* socket_name = "control.sock";  // in the instance's directory

enum class Request { ping, status, why, restart, pause, resume, reload, stop, release };

// `line` without its newline. The error is a sentence for the one who sent it. A field that is not
// known is an error: what it asks for would not be done.
Result<Request> parse_request(std::string_view line);
std::string format_request(Request request);  // with its newline

// Why the worker was started again.
struct Cause {
    std::string kind;  // "change", "request", "crash", "reload" (exit 3), "exit"
    std::string text;  // for people
    std::string path;  // change: the first one
    std::uint64_t count = 0;
    bool events_lost = false;
    std::int64_t at = 0;                  // seconds since the epoch, as all times here
    std::vector<std::string> paths = {};  // change: the first 21
    friend bool operator==(const Cause&, const Cause&) = default;
};

struct End {
    std::string text;
    std::int64_t at = 0;
    friend bool operator==(const End&, const End&) = default;
};

struct Watching {
    std::uint64_t directories = 0;
    std::uint64_t files = 0;
    std::uint64_t ignored = 0;
    friend bool operator==(const Watching&, const Watching&) = default;
};

struct Socket {
    std::string name;
    std::string address;
    int fd = 0;  // in the worker
    friend bool operator==(const Socket&, const Socket&) = default;
};

struct WatchdogReport {
    std::int64_t interval_ms = 0;
    std::int64_t last_ms_ago = 0;     // since the last sign of life, or since it was ready
    std::optional<std::string> held;  // why time stands still
    friend bool operator==(const WatchdogReport&, const WatchdogReport&) = default;
};

struct StatusReport {
    std::string version;
    std::string instance;   // uuid
    std::string directory;  // of the instance
    std::string lock;       // path of supervisor.lock
    std::string cwd;
    std::vector<std::string> command;
    int supervisor_pid = 0;
    std::int64_t supervisor_since = 0;
    std::string isolation;
    std::vector<std::string> weaker;  // sentences: where a guarantee does not hold in full
    std::optional<Watching> watching;
    std::vector<Socket> sockets;

    std::string state;  // "waiting", "starting", "running", "stopping", "stuck"
    bool paused = false;
    std::uint64_t held_changes = 0;  // noted since the pause
    // Changed since the last start, held back because the worker seems to make these changes.
    std::vector<std::string> held_own_writes;
    // "build running", "done", "build failed: exit 2 after 1.3s"; none: none asked for, or not yet.
    std::optional<std::string> build;
    std::uint64_t generation = 0;  // the newest; 0 before the first
    int worker_pid = 0;            // 0: none
    std::int64_t worker_since = 0;
    bool ready = false;
    std::optional<std::int64_t> ready_after_ms;
    std::optional<std::string> ready_held;   // while it is not: why time stands still
    std::optional<std::string> status_text;  // in the worker's own words
    std::optional<WatchdogReport> watchdog;  // none: none is asked for, or not yet
    std::uint64_t restarts = 0;
    std::optional<End> last_end;
    std::optional<Cause> last_restart;
    std::optional<std::int64_t> next_try_in_ms;  // only while waiting for a time

    friend bool operator==(const StatusReport&, const StatusReport&) = default;
};

// A listening socket that goes from one supervisor to the next. Its descriptor comes beside the
// line.
struct Released {
    std::string name;  // as asked for with --socket
    std::string host;
    std::string port;
    std::string address;  // as bound
    friend bool operator==(const Released&, const Released&) = default;
};

// Replies, each with its newline.
std::string format_ok();
std::string format_error(std::string_view text);
std::string format_status(const StatusReport& report);
std::string format_why(const StatusReport& report);
std::string format_released(const std::vector<Released>& sockets);
std::string format_released_to(int pid);  // for who asked later than `pid`

struct Reply {
    bool ok = false;
    std::string error;                   // when not ok
    std::optional<StatusReport> status;  // of a status reply
    std::string body;                    // the status or why object, indented, for --json
    std::optional<std::vector<Released>> released;  // of a release
    std::optional<int> released_to;                 // not ok: who has the sockets, 0: unknown
};
// Unknown fields are skipped and missing ones keep their default: the other end may be of another
// version.
Result<Reply> parse_reply(std::string_view line);

}  // namespace oneloop::control
