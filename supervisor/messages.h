// messages: the sentences of the supervisor's console. Pure: values in, one line out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/brain.h"
#include "supervisor/control_protocol.h"

namespace oneloop::messages {

// `then`: what follows.
// "changed: app/views.py (+2 more); restarting"
std::string changes(const ChangeSummary& summary, std::string_view then = "restarting");
// Why a worker is started, when no line of its own tells it: "changed: app.py (+2 more)".
std::string why(const control::Cause& cause);

// "unchanged: app/views.py (+2 more) (saved, same content); no restart"
std::string unchanged(const SameSaves::Summary& summary);
// "event queue overflowed; compared 214 files, 1 changed"
std::string events_lost(std::size_t files, std::size_t changed, bool complete);

struct Start {
    pid_t pid = 0;
    std::uint64_t generation = 0;
    std::string command;
    // Of the one before, when it was stopped for this one.
    pid_t stopped_pid = 0;
    Duration stop_took{};
    std::string stopped_by;
    std::string isolation = {};  // "a PID namespace"; empty: none worth a word
    Duration start_took{};
    std::string why = {};  // "changed: app.py (+2 more)"; empty: known already, or nothing to say
};
// "changed: app.py; worker 4711 stopped in 0.12s (SIGINT); worker 4802 started in 2ms (generation
// 2)"
std::string started(const Start& start);

// "worker 4711 stopped in 0.12s (SIGINT)"
std::string stopped(pid_t pid, Duration took, const std::string& by);

// "1 file", "2 files"
std::string plural(std::size_t count, const char* one, const char* many);

// quick_limit: 0 when nothing is watched, so that retries go on for ever.
// "worker 4802 crashed: exit 7 after 0.3s; restarting in 1s (2 of 3 quick failures)"
std::string ended(const ReportEnd& report, pid_t pid, int quick_limit);

// `ignore`: the glob that ends it for good; none when there is no such glob.
// "app/gen.py changed 0.30s after the start, as after those before: … --ignore app/gen.py …"
std::string own_write(const OwnWrites::Held& held, const std::optional<std::string>& ignore);

// `step`: "build" or "check".
// "build: cmake --build build", "build done in 1.2s"
std::string build_started(const std::string& step, const std::string& line);
std::string build_done(const std::string& step, Duration took);
// "build failed: exit 2 after 1.3s; the worker that runs is kept"
std::string build_failed(const std::string& step, const std::string& end, Duration took);
// "build goes on, 2.0s so far"
std::string build_goes_on(const std::string& step, Duration so_far);
std::string build_write(const std::string& path, const std::optional<std::string>& ignore);

// As an argument on a shell's command line.
std::string quoted(const std::string& argument);

// "worker 4711 said nothing for 3.0s (--watchdog 2s); aborting it for a core (SIGABRT)"
std::string failed(pid_t pid, const Unresponsive& end);
// "worker 4802 ready in 0.41s"
std::string ready(pid_t pid, Duration took);

std::string stop_timeout(Stopping::Step step, pid_t pid, Duration waited, int signal);

// "4ms", "0.12s", "3.0s", "2min 5s"
std::string seconds(Duration duration);

}  // namespace oneloop::messages
