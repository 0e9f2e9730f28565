#include "supervisor/status_json.h"

namespace oneloop::control {
namespace {

template <class T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json watching_json(const std::optional<Watching>& watching) {
    if (!watching) return nullptr;
    return {{"directories", watching->directories},
            {"files", watching->files},
            {"ignored", watching->ignored}};
}

Json worker_json(const StatusReport& report) {
    if (report.worker_pid == 0) return nullptr;
    return {{"pid", report.worker_pid}, {"since", report.worker_since}};
}

Json watchdog_json(const std::optional<WatchdogReport>& watchdog) {
    if (!watchdog) return nullptr;
    return {{"interval_ms", watchdog->interval_ms},
            {"last_ms_ago", watchdog->last_ms_ago},
            {"held", or_null(watchdog->held)}};
}

void read_events(const Json& json, StatusReport& report) {
    if (const Json* end = object(json, "last_end")) {
        report.last_end.emplace();
        read(*end, "text", report.last_end->text);
        read_number(*end, "at", report.last_end->at);
    }
    if (const Json* cause = object(json, "last_restart")) {
        Cause& to = report.last_restart.emplace();
        read(*cause, "kind", to.kind);
        read(*cause, "text", to.text);
        read(*cause, "path", to.path);
        read(*cause, "paths", to.paths);
        read_number(*cause, "count", to.count);
        read(*cause, "events_lost", to.events_lost);
        read_number(*cause, "at", to.at);
    }
    read(json, "next_try_in_ms", report.next_try_in_ms);
}

void read_vitals(const Json& json, StatusReport& report) {
    read(json, "ready", report.ready);
    read(json, "ready_after_ms", report.ready_after_ms);
    read(json, "ready_held", report.ready_held);
    read(json, "status_text", report.status_text);
    if (const Json* watchdog = object(json, "watchdog")) {
        auto& to = report.watchdog.emplace();
        read_number(*watchdog, "interval_ms", to.interval_ms);
        read_number(*watchdog, "last_ms_ago", to.last_ms_ago);
        read(*watchdog, "held", to.held);
    }
}

void read_parts(const Json& json, StatusReport& report) {
    if (const Json* supervisor = object(json, "supervisor")) {
        read_number(*supervisor, "pid", report.supervisor_pid);
        read_number(*supervisor, "since", report.supervisor_since);
    }
    if (const Json* worker = object(json, "worker")) {
        read_number(*worker, "pid", report.worker_pid);
        read_number(*worker, "since", report.worker_since);
    }
    if (const Json* watching = object(json, "watching")) {
        auto& to = report.watching.emplace();
        read_number(*watching, "directories", to.directories);
        read_number(*watching, "files", to.files);
        read_number(*watching, "ignored", to.ignored);
    }
    if (const Json* sockets = member(json, "sockets"); sockets && sockets->is_array()) {
        for (const auto& entry : *sockets) {
            auto& to = report.sockets.emplace_back();
            read(entry, "name", to.name);
            read(entry, "address", to.address);
            read_number(entry, "fd", to.fd);
        }
    }
}

}  // namespace

Json cause_json(const std::optional<Cause>& cause) {
    if (!cause) return nullptr;
    Json json = {{"kind", cause->kind}, {"text", cause->text}, {"at", cause->at}};
    if (cause->kind == "change") {
        json["path"] = cause->path;
        json["paths"] = cause->paths;
        json["count"] = cause->count;
        json["events_lost"] = cause->events_lost;
    }
    return json;
}

Json end_json(const std::optional<End>& end) {
    if (!end) return nullptr;
    return {{"text", end->text}, {"at", end->at}};
}

Json status_json(const StatusReport& report) {
    Json sockets = Json::array();
    for (const auto& socket : report.sockets) {
        sockets.push_back({{"name", socket.name}, {"address", socket.address}, {"fd", socket.fd}});
    }
    return {
        {"version", report.version},
        {"instance", report.instance},
        {"directory", report.directory},
        {"lock", report.lock},
        {"cwd", report.cwd},
        {"command", report.command},
        {"supervisor", {{"pid", report.supervisor_pid}, {"since", report.supervisor_since}}},
        {"isolation", report.isolation},
        {"weaker", report.weaker},
        {"watching", watching_json(report.watching)},
        {"sockets", sockets},
        {"state", report.state},
        {"paused", report.paused},
        {"held_changes", report.held_changes},
        {"held_own_writes", report.held_own_writes},
        {"build", or_null(report.build)},
        {"generation", report.generation},
        {"worker", worker_json(report)},
        {"ready", report.ready},
        {"ready_after_ms", or_null(report.ready_after_ms)},
        {"ready_held", or_null(report.ready_held)},
        {"status_text", or_null(report.status_text)},
        {"watchdog", watchdog_json(report.watchdog)},
        {"restarts", report.restarts},
        {"last_end", end_json(report.last_end)},
        {"last_restart", cause_json(report.last_restart)},
        {"next_try_in_ms", report.next_try_in_ms ? Json(*report.next_try_in_ms) : Json()},
    };
}

StatusReport read_status(const Json& json) {
    StatusReport report;
    read(json, "version", report.version);
    read(json, "instance", report.instance);
    read(json, "directory", report.directory);
    read(json, "lock", report.lock);
    read(json, "cwd", report.cwd);
    read(json, "command", report.command);
    read(json, "isolation", report.isolation);
    read(json, "weaker", report.weaker);
    read(json, "state", report.state);
    read(json, "paused", report.paused);
    read_number(json, "held_changes", report.held_changes);
    read(json, "held_own_writes", report.held_own_writes);
    read(json, "build", report.build);
    read_number(json, "generation", report.generation);
    read_number(json, "restarts", report.restarts);
    read_parts(json, report);
    read_vitals(json, report);
    read_events(json, report);
    return report;
}

}  // namespace oneloop::control
