// Which path means what, what the table and the OpenAPI document have in common: everything.
#include "worker/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "common/read_text.h"

namespace oneloop::worker {
namespace {

Route route(const std::string& target, const std::string& method = "GET") {
    const auto found = find_route(method, target);
    return std::holds_alternative<Route>(found) ? std::get<Route>(found)
                                                : Route{Page::asset, Need::nothing, {}, {}};
}
unsigned refusal(const std::string& target, const std::string& method = "GET") {
    const auto found = find_route(method, target);
    return std::holds_alternative<HttpAnswer>(found) ? std::get<HttpAnswer>(found).code : 0;
}

TEST(Routes, EveryRowIsReachedUnderItsMethod) {
    for (const RouteRow& row : route_table()) {
        std::string path(row.pattern);
        const auto hole = path.find("{id}");
        if (hole != std::string::npos) path.replace(hole, 4, "a%20%2Fb");
        const Route found = route(path + "?x=1", std::string(row.method));
        EXPECT_EQ(found.page, row.page) << path;
        EXPECT_EQ(found.need, row.need) << path;
        EXPECT_EQ(found.id, hole == std::string::npos ? "" : "a /b") << path;
        EXPECT_EQ(found.query.at("x"), "1");
        EXPECT_EQ(refusal(path, "PUT"), 405U) << path;
        EXPECT_EQ(refusal(path, row.method == "GET" ? "HEAD" : "GET"),
                  row.method == "GET" ? 0U : 405U);
        EXPECT_EQ(row.method == "POST", row.need == Need::change) << path;
    }
}

TEST(Routes, WhatIsNoneOfThem) {
    for (const char* path :
         {"", "/x", "/status/", "//", "*", "http://x/status", "/api/v1/watches/",
          "/api/v1/watches/a/b", "/api/v1/watches//items", "/page/", "/page/a/b"})
        EXPECT_EQ(refusal(path), 404U) << path;
    for (const char* path : {"/page/%", "/page/%4", "/page/%zz", "/page/%00", "/page/a%0Ab",
                             "/status?x=%1", "/status?%"})
        EXPECT_EQ(refusal(path), 400U) << path;
    const auto found = find_route("DELETE", "/status");
    EXPECT_EQ(std::get<HttpAnswer>(found).allow, "GET, HEAD");
}

TEST(Routes, QueriesAreDecoded) {
    const Route found = route("/api/v1/events?watch=a+b%26c&kind=&limit=5&=x&limit=7&y");
    EXPECT_EQ(found.query.at("watch"), "a b&c");
    EXPECT_EQ(found.query.at("kind"), "");
    EXPECT_EQ(found.query.at("limit"), "7");
    EXPECT_EQ(found.query.at("y"), "");
    EXPECT_EQ(found.query.size(), 4U);
}

TEST(Routes, AreThoseOfTheOpenApiDocument) {
    const auto document = nlohmann::json::parse(read_text(ONELOOP_OPENAPI));
    std::set<std::string> described;
    for (const auto& [path, methods] : document["paths"].items()) {
        for (const auto& [method, what] : methods.items()) {
            described.insert(method + " " + path);
            EXPECT_EQ(what.contains("security"), method == "post") << path;
        }
    }
    std::set<std::string> there;
    for (const RouteRow& row : route_table())
        there.insert((row.method == "GET" ? "get " : "post ") + std::string(row.pattern));
    EXPECT_EQ(described, there);
}

}  // namespace
}  // namespace oneloop::worker
