// gate: who may ask for what.
//
// A page of any site in the user's browser can send requests to loopback. It is kept out three
// times: by Host, when its name was pointed at us (DNS rebinding), by Origin, and since a change
// needs a token and a content type that no other site's page can send unasked.
// Not for limits of size and time (http_server.h). Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/http_answer.h"
#include "worker/routes.h"

namespace oneloop::worker {

struct GateRules {
    std::string token;               // never empty where something may be changed
    std::vector<std::string> hosts;  // names we are called by, beside loopback and addresses
    bool wide = false;  // others than this machine reach us: reading needs the token too
};

// Nothing: it may go on.
std::optional<HttpAnswer> refuse(const HttpAsk& ask, const Route& route, const GateRules& rules);

// Is the right token shown? In time that tells nothing about where it differs.
bool shows_token(const HttpAsk& ask, const GateRules& rules);

// "127.0.0.1", "localhost", "::1": an address of this machine alone, with or without brackets.
bool is_loopback_host(std::string_view host);

}  // namespace oneloop::worker
