#include "worker/gate.h"

#include <algorithm>

namespace oneloop::worker {
namespace {

std::string lower(std::string_view text) {
    std::string small(text);
    for (char& c : small) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return small;
}

// "name:port" -> "name", "[::1]:5000" -> "[::1]".
std::string_view without_port(std::string_view host) {
    const auto colon = host.rfind(':');
    if (colon == std::string_view::npos) return host;
    if (host.front() == '[' && host[colon - 1] != ']') return host;
    const std::string_view port = host.substr(colon + 1);
    if (port.find_first_not_of("0123456789") != std::string_view::npos) return host;
    return host.substr(0, colon);
}

// An address is no name that somebody could point at us.
bool is_address(std::string_view host) {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        return host.substr(1, host.size() - 2).find_first_not_of("0123456789abcdef:.") ==
               std::string_view::npos;
    }
    return std::count(host.begin(), host.end(), '.') == 3 &&
           host.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool known_host(const std::string& host, const GateRules& rules) {
    const std::string name = lower(without_port(host));
    if (name.empty()) return false;
    if (is_address(name) || is_loopback_host(name)) return true;
    return std::any_of(rules.hosts.begin(), rules.hosts.end(),
                       [&](const std::string& one) { return lower(one) == name; });
}

bool acceptable_type(const HttpAsk& ask, const Route& route) {
    const std::string type = lower(ask.content_type.substr(0, ask.content_type.find(';')));
    const auto end = type.find_last_not_of(" \t");
    const std::string_view bare = std::string_view(type).substr(0, end + 1);
    return bare == (route.page == Page::check ? "application/toml" : "application/json");
}

}  // namespace

bool is_loopback_host(std::string_view host) {
    if (host == "localhost" || host.ends_with(".localhost") || host == "::1" || host == "[::1]")
        return true;
    return host.starts_with("127.") && is_address(host);
}

bool shows_token(const HttpAsk& ask, const GateRules& rules) {
    constexpr std::string_view scheme = "bearer ";
    if (rules.token.empty() || ask.authorization.size() != scheme.size() + rules.token.size())
        return false;
    if (lower(ask.authorization.substr(0, scheme.size())) != scheme) return false;
    unsigned different = 0;
    for (std::size_t i = 0; i < rules.token.size(); ++i)
        different |=
            static_cast<unsigned char>(ask.authorization[scheme.size() + i] ^ rules.token[i]);
    return different == 0;
}

std::optional<HttpAnswer> refuse(const HttpAsk& ask, const Route& route, const GateRules& rules) {
    if (route.need == Need::nothing && route.page != Page::home && route.page != Page::asset)
        return std::nullopt;
    if (ask.host && !known_host(*ask.host, rules)) {
        return error_answer(421, "unknown_host",
                            "not called by this name; add it to http.hosts if it is yours");
    }
    if (route.need == Need::nothing) return std::nullopt;
    if (ask.origin && (!ask.host || lower(*ask.origin) != "http://" + lower(*ask.host)) &&
        (!ask.host || lower(*ask.origin) != "https://" + lower(*ask.host))) {
        return error_answer(403, "cross_origin", "pages of other sites are not served");
    }
    if (route.need == Need::change && !acceptable_type(ask, route)) {
        return error_answer(415, "content_type",
                            route.page == Page::check ? "the content type is application/toml"
                                                      : "the content type is application/json");
    }
    if ((route.need == Need::change || rules.wide) && !shows_token(ask, rules)) {
        HttpAnswer refusal = error_answer(401, "token",
                                          "needs Authorization: Bearer and the token; worker "
                                          "--token says where it is");
        refusal.headers.emplace_back("WWW-Authenticate", "Bearer");
        return refusal;
    }
    return std::nullopt;
}

}  // namespace oneloop::worker
