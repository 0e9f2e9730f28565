#include "supervisor/commentary.h"

#include <fmt/format.h>

#include <utility>

#include "supervisor/log_events.h"

namespace oneloop {

void Commentary::stop_asked(pid_t worker, int signal, SteadyTime now) {
    if (!stop_) stop_ = Stop{worker, signal, now, now};
}

void Commentary::tree_gone(SteadyTime now) {
    if (stop_) stop_->ended = now;
}

// From here on a stop is the new worker's, also one that comes before the news of its start.
void Commentary::spawning(SteadyTime now) {
    replaced_ = std::exchange(stop_, std::nullopt);
    spawned_ = now;
    worker_ = 0;
}

Commentary::Started Commentary::worker_started(pid_t pid, std::uint64_t generation,
                                               const std::optional<control::Cause>& cause,
                                               SteadyTime now) {
    worker_ = pid;
    log_events::Start start;
    start.command = facts_.command;
    start.said.start_took = now - spawned_;
    start.cause = cause;
    if (cause) start.said.why = messages::why(*cause);
    start.said.pid = pid;
    start.said.generation = generation;
    start.said.command = fmt::format("{}", fmt::join(facts_.command, " "));
    start.said.isolation = facts_.isolation;
    Started started;
    if (replaced_ && replaced_->pid > 0) {
        start.said.stopped_pid = replaced_->pid;
        start.said.stop_took = replaced_->ended - replaced_->began;
        start.said.stopped_by = signal_name(replaced_->signal);
        started.end_of_the_one_before =
            messages::stopped(start.said.stopped_pid, start.said.stop_took, start.said.stopped_by);
    }
    started.event = log_events::worker_started(start);
    return started;
}

log::Event Commentary::ended(const ReportEnd& report) {
    stop_.reset();
    return log_events::worker_ended(report, worker_, facts_.quick_limit);
}

log::Event Commentary::stop_timeout(Stopping::Step step, SteadyTime now) const {
    const Duration waited = stop_ ? now - stop_->began : Duration{};
    return log_events::stop_timeout(step, worker_, waited, stop_ ? stop_->signal : 0);
}

std::optional<log::Event> Commentary::finished() const {
    if (!stop_ || stop_->pid == 0) return std::nullopt;
    return log_events::worker_stopped(stop_->pid, stop_->ended - stop_->began, stop_->signal);
}

}  // namespace oneloop
