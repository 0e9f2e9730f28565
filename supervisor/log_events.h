// log_events: what the supervisor's log says with --log-format json beside the sentence: the parts
// of each event, for programs (docs/log.md). Pure: values in, one event out.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/log.h"
#include "supervisor/brain.h"
#include "supervisor/control_protocol.h"
#include "supervisor/messages.h"

namespace oneloop::log_events {

log::Event changed(const ChangeSummary& summary, std::string_view then = "restarting");

// Saves that changed nothing.
log::Event unchanged(const SameSaves::Summary& summary);
// The kernel's queue overflowed, and everything was compared.
log::Event events_lost(std::size_t files, std::size_t changed, bool complete);

struct Start {
    messages::Start said;
    std::vector<std::string> command;
    std::optional<control::Cause> cause;  // none: the first start
};
log::Event worker_started(const Start& start);

// It was told to stop, and did; nothing follows.
log::Event worker_stopped(pid_t pid, Duration took, int signal);
// It ended by itself.
log::Event worker_ended(const ReportEnd& report, pid_t pid, int quick_limit);
// Declared failed though it lives; worker_ended follows.
log::Event worker_failed(const Unresponsive& end, pid_t pid);
// With --ready only: without it, started is ready.
log::Event worker_ready(pid_t pid, Duration took);
log::Event stop_timeout(Stopping::Step step, pid_t pid, Duration waited, int signal);
// A change that is not acted on; `ignore`: the pattern to copy, where there is one.
log::Event own_write(const OwnWrites::Held& held, const std::optional<std::string>& ignore);
// `step`: "build" or "check"; `line`: for the shell.
log::Event build_started(const std::string& step, const std::string& line);
struct BuildEnd {
    std::string step;
    bool success = false;
    std::string end;  // "exit 2"
    Duration took{};
};
log::Event build_ended(const BuildEnd& end);
log::Event build_write(const BuildWrites::Held& held, const std::optional<std::string>& ignore);
log::Event watching(const control::Watching& counts);

}  // namespace oneloop::log_events
