#include "supervisor/log_events.h"

#include <fmt/format.h>

namespace oneloop::log_events {
namespace {

using log::Event;
using log::Field;
using log::Level;

std::int64_t milliseconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

template <class Number>
std::int64_t number(Number value) {
    return static_cast<std::int64_t>(value);
}

std::vector<std::string> all_paths(const ChangeSummary& summary) {
    std::vector<std::string> paths;
    if (summary.count > 0) paths.push_back(summary.first_path);
    paths.insert(paths.end(), summary.others.begin(), summary.others.end());
    return paths;
}

void add_verdict(const Verdict& verdict, std::vector<Field>& fields) {
    if (const auto* respawn = std::get_if<RespawnAfter>(&verdict)) {
        fields.push_back({"next", "restart"});
        fields.push_back({"delay_ms", milliseconds(respawn->delay)});
    } else if (const auto* finish = std::get_if<FinishWith>(&verdict)) {
        fields.push_back({"next", "exit"});
        fields.push_back({"code", number(finish->code)});
    } else {
        fields.push_back({"next", "wait"});
    }
}

}  // namespace

Event changed(const ChangeSummary& summary, std::string_view then) {
    return {Level::info,
            "changed",
            messages::changes(summary, then),
            {{"paths", all_paths(summary)},
             {"count", number(summary.count)},
             {"events_lost", summary.events_lost}}};
}

Event unchanged(const SameSaves::Summary& summary) {
    return {Level::info,
            "unchanged",
            messages::unchanged(summary),
            {{"path", summary.first_path}, {"count", number(summary.count)}}};
}

Event events_lost(std::size_t files, std::size_t changed, bool complete) {
    return {Level::warn,
            "events_lost",
            messages::events_lost(files, changed, complete),
            {{"files", number(files)}, {"changed", number(changed)}, {"complete", complete}}};
}

Event worker_started(const Start& start) {
    Event event{Level::info, "worker_started", messages::started(start.said), {}};
    event.fields = {{"pid", number(start.said.pid)},
                    {"generation", number(start.said.generation)},
                    {"command", start.command},
                    {"start_ms", milliseconds(start.said.start_took)}};
    if (start.said.stopped_pid > 0) {
        event.fields.push_back({"old_pid", number(start.said.stopped_pid)});
        event.fields.push_back({"stop_ms", milliseconds(start.said.stop_took)});
        event.fields.push_back({"stop_signal", start.said.stopped_by});
    }
    if (start.cause) {
        event.fields.push_back({"cause", start.cause->kind});
        event.fields.push_back({"cause_text", start.cause->text});
        if (start.cause->kind == "change") {
            event.fields.push_back({"paths", start.cause->paths});
            event.fields.push_back({"count", number(start.cause->count)});
        }
    }
    return event;
}

Event worker_stopped(pid_t pid, Duration took, int signal) {
    return {Level::info,
            "worker_stopped",
            messages::stopped(pid, took, signal_name(signal)),
            {{"pid", number(pid)},
             {"stop_ms", milliseconds(took)},
             {"stop_signal", signal_name(signal)}}};
}

Event worker_ended(const ReportEnd& report, pid_t pid, int quick_limit) {
    Event event{report.failure ? Level::warn : Level::info,
                "worker_ended",
                messages::ended(report, pid, quick_limit),
                {}};
    if (const auto* exited = std::get_if<Exited>(&report.end)) {
        event.fields.push_back({"pid", number(pid)});
        if (exited->status.signal) {
            event.fields.push_back({"signal", signal_name(exited->status.signal)});
            if (!exited->why.empty()) event.fields.push_back({"why", exited->why});
        } else {
            event.fields.push_back({"exit", number(exited->status.code)});
        }
        event.fields.push_back({"lived_ms", milliseconds(report.lived)});
    } else if (const auto* not_started = std::get_if<NotStarted>(&report.end)) {
        event.name = "worker_not_started";
        event.fields.push_back({"what", not_started->what});
        event.fields.push_back({"errno", number(not_started->code)});
    } else if (const auto* unresponsive = std::get_if<Unresponsive>(&report.end)) {
        event.fields.push_back({"pid", number(pid)});
        event.fields.push_back({"what", unresponsive->what});
        event.fields.push_back({"lived_ms", milliseconds(report.lived)});
    }
    event.fields.push_back({"failure", report.failure});
    event.fields.push_back({"quick_failures", number(report.quick_failures)});
    add_verdict(report.verdict, event.fields);
    return event;
}

Event worker_failed(const Unresponsive& end, pid_t pid) {
    return {Level::warn,
            "worker_failed",
            messages::failed(pid, end),
            {{"pid", number(pid)}, {"what", end.what}}};
}

Event worker_ready(pid_t pid, Duration took) {
    return {Level::info,
            "worker_ready",
            messages::ready(pid, took),
            {{"pid", number(pid)}, {"ready_ms", milliseconds(took)}}};
}

Event stop_timeout(Stopping::Step step, pid_t pid, Duration waited, int signal) {
    return {Level::warn,
            step == Stopping::Step::forced ? "worker_stuck" : "worker_killed",
            messages::stop_timeout(step, pid, waited, signal),
            {{"pid", number(pid)},
             {"waited_ms", milliseconds(waited)},
             {"stop_signal", signal_name(signal)}}};
}

Event own_write(const OwnWrites::Held& held, const std::optional<std::string>& ignore) {
    Event event{Level::warn, "own_write_held", messages::own_write(held, ignore), {}};
    event.fields.push_back({"path", held.path});
    if (ignore) event.fields.push_back({"ignore", *ignore});
    return event;
}

Event build_started(const std::string& step, const std::string& line) {
    return {Level::info,
            "build_started",
            messages::build_started(step, line),
            {{"step", step}, {"command", line}}};
}

Event build_ended(const BuildEnd& end) {
    if (end.success) {
        return {Level::info,
                "build_done",
                messages::build_done(end.step, end.took),
                {{"step", end.step}, {"took_ms", milliseconds(end.took)}}};
    }
    return {Level::error,
            "build_failed",
            messages::build_failed(end.step, end.end, end.took),
            {{"step", end.step}, {"end", end.end}, {"took_ms", milliseconds(end.took)}}};
}

Event build_write(const BuildWrites::Held& held, const std::optional<std::string>& ignore) {
    Event event{Level::warn, "build_write_held", messages::build_write(held.path, ignore), {}};
    event.fields.push_back({"path", held.path});
    if (ignore) event.fields.push_back({"ignore", *ignore});
    return event;
}

Event watching(const control::Watching& counts) {
    return {Level::info,
            "watching",
            fmt::format("watching {} in {} (inotify), {} ignored by rules",
                        messages::plural(counts.files, "file", "files"),
                        messages::plural(counts.directories, "directory", "directories"),
                        counts.ignored),
            {{"files", number(counts.files)},
             {"directories", number(counts.directories)},
             {"ignored", number(counts.ignored)}}};
}

}  // namespace oneloop::log_events
