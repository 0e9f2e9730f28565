#include "supervisor/commentary.h"

#include <utility>

#include "supervisor/messages.h"

namespace oneloop {

void Commentary::stop_asked(pid_t worker, SteadyTime now) {
    if (!stop_) stop_ = Stop{worker, now, now};
}

void Commentary::tree_gone(SteadyTime now) {
    if (stop_) stop_->ended = now;
}

// From here on a stop is the new worker's, also one that comes before the news of its start.
void Commentary::spawning() {
    replaced_ = std::exchange(stop_, std::nullopt);
    worker_ = 0;
}

Commentary::Started Commentary::worker_started(pid_t pid, std::uint64_t generation) {
    worker_ = pid;
    Started started;
    messages::Start start;
    start.pid = pid;
    start.generation = generation;
    start.command = facts_.command;
    start.isolation = facts_.isolation;
    if (replaced_ && replaced_->pid > 0) {
        start.stopped_pid = replaced_->pid;
        start.stop_took = replaced_->ended - replaced_->began;
        start.stopped_by = signal_name(facts_.stop_signal);
        started.end_of_the_one_before =
            messages::stopped(start.stopped_pid, start.stop_took, start.stopped_by);
    }
    started.line = messages::started(start);
    return started;
}

std::string Commentary::ended(const ReportEnd& report) {
    stop_.reset();
    return messages::ended(report, worker_, facts_.quick_limit);
}

std::string Commentary::stop_timeout(Stopping::Step step, SteadyTime now) const {
    const Duration waited = stop_ ? now - stop_->began : Duration{};
    return messages::stop_timeout(step, worker_, waited, facts_.stop_signal);
}

std::string Commentary::finished() const {
    if (!stop_ || stop_->pid == 0) return "";
    return messages::stopped(stop_->pid, stop_->ended - stop_->began,
                             signal_name(facts_.stop_signal));
}

}  // namespace oneloop
