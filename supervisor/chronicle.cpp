#include "supervisor/chronicle.h"

#include <algorithm>

namespace oneloop {
namespace {

using control::Cause;

Cause change_cause(const ChangeSummary& changes) {
    Cause cause;
    cause.kind = "change";
    cause.path = changes.first_path;
    if (changes.count > 0) cause.paths.push_back(changes.first_path);
    cause.paths.insert(cause.paths.end(), changes.others.begin(), changes.others.end());
    cause.count = changes.count;
    cause.events_lost = changes.events_lost;
    cause.text = changes.first_path;
    if (changes.count > 1) cause.text += " (+" + std::to_string(changes.count - 1) + " more)";
    if (changes.events_lost) {
        cause.text = "the event queue overflowed, anything may have changed" +
                     (cause.text.empty() ? "" : "; " + cause.text);
    }
    return cause;
}

// None when no start follows by itself.
std::optional<Cause> end_cause(const ReportEnd& report) {
    if (!std::holds_alternative<RespawnAfter>(report.verdict)) return std::nullopt;
    Cause cause;
    const auto* exited = std::get_if<Exited>(&report.end);
    if (const auto* unresponsive = std::get_if<Unresponsive>(&report.end)) {
        cause.kind = "crash";
        cause.text = "the worker " + unresponsive->what;
    } else if (!exited) {
        cause.kind = "crash";
        cause.text = "not started: " + std::get<NotStarted>(report.end).what;
    } else if (report.failure) {
        cause.kind = "crash";
        cause.text = "crashed: " + describe(exited->status);
    } else if (exited->status == ExitStatus{reload_exit_code, 0}) {
        cause.kind = "reload";
        cause.text = "the worker asked for it (exit 3)";
    } else {
        cause.kind = "exit";
        cause.text = "the worker ended: " + describe(exited->status);
    }
    return cause;
}

}  // namespace

void Chronicle::advised(const Advice& advice, std::int64_t now) {
    if (advice.changes) propose(change_cause(*advice.changes));
    for (const auto& command : advice.commands) {
        if (const auto* report = std::get_if<ReportEnd>(&command)) {
            if (auto cause = end_cause(*report)) propose(std::move(*cause));
        } else if (std::holds_alternative<Spawn>(command)) {
            if (coming_) coming_->at = now;
            if (starts_ > 0 && coming_) last_ = std::move(coming_);
            coming_.reset();
            ++starts_;
        }
    }
}

// A worker that crashes because it is being edited was restarted for the edit.
void Chronicle::propose(Cause cause) {
    const bool told = cause.kind == "change" || cause.kind == "request";
    if (!coming_ || told) coming_ = std::move(cause);
}

void Chronicle::asked(const std::string& by) {
    Cause cause;
    cause.kind = "request";
    cause.text = "asked for by " + by;
    propose(std::move(cause));
}

void Chronicle::started(std::uint64_t generation, std::int64_t now) {
    generation_ = generation;
    since_ = now;
}

void Chronicle::ended(const std::string& text, std::int64_t now) {
    last_end_ = control::End{text, now};
}

control::StatusReport Chronicle::report(const Brain& brain, const Present& present) const {
    control::StatusReport report = facts_;
    const Lifecycle& lifecycle = brain.lifecycle();
    report.watching = present.watching;
    report.state = state_name(lifecycle, present.worker_pid > 0);
    report.paused = brain.paused();
    report.held_changes = brain.held_changes();
    report.held_own_writes = brain.own_writes().held();
    if (report.held_own_writes.size() > control::most_own_writes) {
        report.held_own_writes.resize(control::most_own_writes);
    }
    report.generation = generation_;
    report.worker_pid = present.worker_pid;
    report.worker_since = present.worker_pid > 0 ? since_ : 0;
    report.restarts = starts_ > 0 ? starts_ - 1 : 0;
    report.last_end = last_end_;
    report.last_restart = last_;
    if (const auto* waiting = std::get_if<Waiting>(&lifecycle.state);
        waiting && waiting->due && *waiting->due > present.now) {
        report.next_try_in_ms =
            std::chrono::ceil<std::chrono::milliseconds>(*waiting->due - present.now).count();
    }
    return report;
}

std::string state_name(const Lifecycle& lifecycle, bool worker_known) {
    if (std::holds_alternative<Running>(lifecycle.state)) {
        return worker_known ? "running" : "starting";
    }
    if (const auto* stopping = std::get_if<Stopping>(&lifecycle.state)) {
        return stopping->step == Stopping::Step::forced ? "stuck" : "stopping";
    }
    return "waiting";
}

}  // namespace oneloop
