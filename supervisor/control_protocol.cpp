#include "supervisor/control_protocol.h"

#include <array>
#include <utility>

#include "supervisor/status_json.h"

namespace oneloop::control {
namespace {

constexpr std::array<std::pair<std::string_view, Request>, 9> requests = {{
    {"ping", Request::ping},
    {"status", Request::status},
    {"why", Request::why},
    {"restart", Request::restart},
    {"pause", Request::pause},
    {"resume", Request::resume},
    {"reload", Request::reload},
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
