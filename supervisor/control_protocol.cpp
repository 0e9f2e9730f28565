#include "supervisor/control_protocol.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace oneloop::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<std::string_view, Request>, 8> requests = {{
    {"ping", Request::ping},
    {"status", Request::status},
    {"why", Request::why},
    {"restart", Request::restart},
    {"pause", Request::pause},
    {"resume", Request::resume},
    {"stop", Request::stop},
    {"release", Request::release},
}};

// File names need not be UTF-8: what is not becomes U+FFFD.
std::string text_of(const Json& json, int indent = -1) {
    return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string line_of(const Json& json) {
    return text_of(json) + '\n';
}

Json parse(std::string_view text) {
    return Json::parse(text, nullptr, false);
}

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

// ---- reading what may come from another version: the type has to fit, or the field is skipped
// ----
const Json* member(const Json& json, const char* name) {
    if (!json.is_object()) return nullptr;
    const auto found = json.find(name);
    return found == json.end() ? nullptr : &*found;
}

void read(const Json& json, const char* name, std::string& value) {
    const Json* found = member(json, name);
    if (found && found->is_string()) value = found->get<std::string>();
}
void read(const Json& json, const char* name, bool& value) {
    const Json* found = member(json, name);
    if (found && found->is_boolean()) value = found->get<bool>();
}
template <class Integer>
void read_number(const Json& json, const char* name, Integer& value) {
    const Json* found = member(json, name);
    if (!found || !found->is_number_integer()) return;
    // Unsigned ones beyond 2^63 have no place in any of our fields.
    if (found->is_number_unsigned() && !std::in_range<std::int64_t>(found->get<std::uint64_t>()))
        return;
    const auto number = found->get<std::int64_t>();
    if (std::in_range<Integer>(number)) value = static_cast<Integer>(number);
}
void read(const Json& json, const char* name, std::vector<std::string>& value) {
    const Json* found = member(json, name);
    if (!found || !found->is_array()) return;
    for (const auto& entry : *found) {
        if (entry.is_string()) value.push_back(entry.get<std::string>());
    }
}

void read(const Json& json, const char* name, std::optional<std::int64_t>& value) {
    const Json* found = member(json, name);
    if (found && found->is_number_integer()) read_number(json, name, value.emplace());
}
void read(const Json& json, const char* name, std::optional<std::string>& value) {
    const Json* found = member(json, name);
    if (found && found->is_string()) value = found->get<std::string>();
}

const Json* object(const Json& json, const char* name) {
    const Json* found = member(json, name);
    return found && found->is_object() ? found : nullptr;
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
    read_number(json, "generation", report.generation);
    read_number(json, "restarts", report.restarts);
    read_parts(json, report);
    read_vitals(json, report);
    read_events(json, report);
    return report;
}

std::vector<Released> read_released(const Json& sockets) {
    std::vector<Released> result;
    for (const auto& entry : sockets) {
        auto& to = result.emplace_back();
        read(entry, "name", to.name);
        read(entry, "host", to.host);
        read(entry, "port", to.port);
        read(entry, "address", to.address);
    }
    return result;
}

}  // namespace

Result<Request> parse_request(std::string_view line) {
    if (line.size() > longest_line) return fail("the line is longer than 64 KiB");
    const Json json = parse(line);
    if (json.is_discarded()) return fail("this is not JSON; one object a line is");
    if (!json.is_object()) return fail("an object is needed: {\"command\":\"status\"}");
    const Json* command = member(json, "command");
    if (!command) return fail("\"command\" is missing");
    if (!command->is_string()) return fail("\"command\" is not a string");
    for (const auto& [name, value] : json.items()) {
        if (name != "command") return fail("unknown field \"" + name + "\"");
    }
    const auto& wanted = command->get_ref<const std::string&>();
    std::string known;
    for (const auto& [name, request] : requests) {
        if (name == wanted) return request;
        known += (known.empty() ? "" : ", ") + std::string(name);
    }
    return fail("unknown command \"" + wanted + "\"; there are " + known);
}

std::string format_request(Request request) {
    for (const auto& [name, value] : requests) {
        if (value == request) return line_of({{"command", name}});
    }
    return "";
}

std::string format_ok() {
    return line_of({{"ok", true}});
}

std::string format_error(std::string_view text) {
    return line_of({{"ok", false}, {"error", text}});
}

std::string format_status(const StatusReport& report) {
    return line_of({{"ok", true}, {"status", status_json(report)}});
}

std::string format_why(const StatusReport& report) {
    const Json why = {{"restarts", report.restarts},
                      {"last_restart", cause_json(report.last_restart)},
                      {"last_end", end_json(report.last_end)},
                      {"held_own_writes", report.held_own_writes}};
    return line_of({{"ok", true}, {"why", why}});
}

std::string format_released(const std::vector<Released>& sockets) {
    Json list = Json::array();
    for (const auto& socket : sockets) {
        list.push_back({{"name", socket.name},
                        {"host", socket.host},
                        {"port", socket.port},
                        {"address", socket.address}});
    }
    return line_of({{"ok", true}, {"sockets", list}});
}

std::string format_released_to(int pid) {
    const std::string who = pid > 0 ? "pid " + std::to_string(pid) : "somebody";
    return line_of({{"ok", false}, {"error", who + " takes over already"}, {"released_to", pid}});
}

Result<Reply> parse_reply(std::string_view line) {
    const Json json = parse(line);
    const Json* ok = json.is_discarded() ? nullptr : member(json, "ok");
    if (!ok || !ok->is_boolean()) return fail("the answer is not one of a supervisor");
    Reply reply;
    reply.ok = ok->get<bool>();
    read(json, "error", reply.error);
    if (member(json, "released_to")) read_number(json, "released_to", reply.released_to.emplace());
    if (const Json* sockets = member(json, "sockets"); sockets && sockets->is_array()) {
        reply.released = read_released(*sockets);
    }
    if (const Json* status = object(json, "status")) {
        reply.status = read_status(*status);
        reply.body = text_of(*status, 2);
    } else if (const Json* why = object(json, "why")) {
        reply.body = text_of(*why, 2);
    }
    return reply;
}

}  // namespace oneloop::control
