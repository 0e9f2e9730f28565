#include "worker/routes.h"

#include <array>
#include <optional>

namespace oneloop::worker {
namespace {

constexpr std::array table = {
    RouteRow{"GET", "/", Page::home, Need::nothing},
    RouteRow{"GET", "/page/{id}", Page::asset, Need::nothing},
    RouteRow{"GET", "/status", Page::status, Need::nothing},
    RouteRow{"GET", "/healthz", Page::healthz, Need::nothing},
    RouteRow{"GET", "/readyz", Page::readyz, Need::nothing},
    RouteRow{"GET", "/metrics", Page::metrics, Need::read},
    RouteRow{"GET", "/api/v1/openapi.json", Page::openapi, Need::read},
    RouteRow{"GET", "/api/v1/leader", Page::leader, Need::read},
    RouteRow{"GET", "/api/v1/watches", Page::watches, Need::read},
    RouteRow{"GET", "/api/v1/watches/{id}", Page::watch, Need::read},
    RouteRow{"GET", "/api/v1/watches/{id}/items", Page::items, Need::read},
    RouteRow{"GET", "/api/v1/ticks", Page::ticks, Need::read},
    RouteRow{"GET", "/api/v1/events", Page::events, Need::read},
    RouteRow{"GET", "/api/v1/events/{id}", Page::event, Need::read},
    RouteRow{"GET", "/api/v1/deliveries", Page::deliveries, Need::read},
    RouteRow{"GET", "/api/v1/channels", Page::channels, Need::read},
    RouteRow{"GET", "/api/v1/stream", Page::stream, Need::read},
    RouteRow{"POST", "/api/v1/deliveries/{id}/resend", Page::resend, Need::change},
    RouteRow{"POST", "/api/v1/deliveries/{id}/skip", Page::skip, Need::change},
    RouteRow{"POST", "/api/v1/watches/{id}/poll", Page::poll, Need::change},
    RouteRow{"POST", "/api/v1/watches/{id}/mute", Page::mute, Need::change},
    RouteRow{"POST", "/api/v1/watches/{id}/unmute", Page::unmute, Need::change},
    RouteRow{"POST", "/api/v1/watches/{id}/pause", Page::pause, Need::change},
    RouteRow{"POST", "/api/v1/watches/{id}/resume", Page::resume, Need::change},
    RouteRow{"POST", "/api/v1/channels/{id}/test", Page::test, Need::change},
    RouteRow{"POST", "/api/v1/config/check", Page::check, Need::change},
};

int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// RFC 3986, 2.1. Nothing: not decodable, or a byte that no name of ours holds.
std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size() || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
                return std::nullopt;
            c = static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return std::nullopt;
        plain += c;
    }
    return plain;
}

std::string_view take_until(std::string_view& rest, char separator) {
    const auto end = rest.find(separator);
    const std::string_view part = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return part;
}

// The raw text that stands for {id}, empty in a pattern without it; nothing: another path.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
    const auto hole = pattern.find("{id}");
    if (hole == std::string_view::npos) {
        if (pattern != path) return std::nullopt;
        return std::string_view{};
    }
    const std::string_view before = pattern.substr(0, hole);
    const std::string_view after = pattern.substr(hole + 4);
    if (path.size() <= before.size() + after.size() || !path.starts_with(before) ||
        !path.ends_with(after))
        return std::nullopt;
    const auto id = path.substr(before.size(), path.size() - before.size() - after.size());
    if (id.find('/') != std::string_view::npos) return std::nullopt;
    return id;
}

bool read_query(std::string_view text, std::map<std::string, std::string>& query) {
    while (!text.empty()) {
        std::string_view value = take_until(text, '&');
        const std::string_view name = take_until(value, '=');
        const auto plain_name = decode(name, true);
        const auto plain_value = decode(value, true);
        if (!plain_name || !plain_value) return false;
        if (!plain_name->empty()) query[*plain_name] = *plain_value;
    }
    return true;
}

}  // namespace

std::span<const RouteRow> route_table() {
    return table;
}

std::variant<Route, HttpAnswer> find_route(std::string_view method, std::string_view target) {
    std::string_view rest = target;
    const std::string_view path = take_until(rest, '?');
    std::string allow;
    for (const RouteRow& row : table) {
        const auto id = match(row.pattern, path);
        if (!id) continue;
        if (method != row.method && !(method == "HEAD" && row.method == "GET")) {
            allow += (allow.empty() ? "" : ", ") + std::string(row.method);
            if (row.method == "GET") allow += ", HEAD";
            continue;
        }
        Route route{row.page, row.need, {}, {}};
        const auto plain = decode(*id, false);
        if (!plain || !read_query(rest, route.query))
            return error_answer(400, "bad_request", "the path can't be decoded");
        route.id = *plain;
        return route;
    }
    if (allow.empty())
        return error_answer(404, "not_found", "no such page; see /api/v1/openapi.json");
    HttpAnswer refusal = error_answer(405, "method_not_allowed", "only " + allow);
    refusal.allow = allow;
    return refusal;
}

}  // namespace oneloop::worker
