// routes: which paths there are, and which one a request means.
//
// The table is the API: docs/api.md, the OpenAPI document and its test follow it.
// Not for who may ask (gate.h) or for the answer (api.h). Pure; any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "worker/http_answer.h"

namespace oneloop::worker {

enum class Page {
    home,
    asset,
    status,
    healthz,
    readyz,
    metrics,
    openapi,
    leader,
    watches,
    watch,
    items,
    ticks,
    events,
    event,
    deliveries,
    channels,
    stream,
    resend,
    skip,
    poll,
    mute,
    unmute,
    pause,
    resume,
    test,
    check,
};

// What a request has to show before it is answered (gate.h).
enum class Need {
    nothing,  // for probes and pages of other origins
    read,
    change,
};

struct RouteRow {
    std::string_view method;   // HEAD goes where GET goes
    std::string_view pattern;  // "/api/v1/watches/{id}/items"
    Page page;
    Need need;
};
std::span<const RouteRow> route_table();

struct Route {
    Page page = Page::home;
    Need need = Need::nothing;
    std::string id;                            // what stands for {id}, decoded
    std::map<std::string, std::string> query;  // decoded; of a name given twice the last
};

// The other: 404, 405 with the methods that there are, or 400 for a path that can't be decoded.
std::variant<Route, HttpAnswer> find_route(std::string_view method, std::string_view target);

}  // namespace oneloop::worker
