// Who may ask for what: names, origins, tokens, content types.
#include "worker/gate.h"

#include <gtest/gtest.h>

#include <vector>

namespace oneloop::worker {
namespace {

const std::string token = "0123456789abcdef";

GateRules rules() {
    GateRules rules;
    rules.token = token;
    rules.hosts = {"Loop.example.com"};
    return rules;
}
Route to(Page page, Need need) {
    return {page, need, {}, {}};
}
const Route read_route = to(Page::watches, Need::read);
const Route change_route = to(Page::poll, Need::change);

HttpAsk good_change() {
    HttpAsk ask;
    ask.method = "POST";
    ask.host = "127.0.0.1:5000";
    ask.origin = "http://127.0.0.1:5000";
    ask.authorization = "Bearer " + token;
    ask.content_type = "application/json; charset=utf-8";
    return ask;
}
unsigned code(const HttpAsk& ask, const Route& route, const GateRules& with = rules()) {
    const auto refusal = refuse(ask, route, with);
    return refusal ? refusal->code : 200;
}

TEST(Gate, OnlyOurNamesAreAnswered) {
    HttpAsk ask;
    EXPECT_EQ(code(ask, read_route), 200U);  // no browser leaves Host out
    for (const char* host :
         {"127.0.0.1", "127.0.0.1:5000", "localhost:1", "LOCALHOST", "[::1]:5000", "a.localhost",
          "192.168.0.7:80", "[fe80::1]:5000", "loop.example.com", "loop.EXAMPLE.com:443"}) {
        ask.host = host;
        EXPECT_EQ(code(ask, read_route), 200U) << host;
        EXPECT_EQ(code(ask, to(Page::home, Need::nothing)), 200U) << host;
    }
    for (const char* host : {"", "evil.example", "evil.example:5000", "127.0.0.1.evil.example",
                             "localhost.evil.example", "1.2.3.evil", "[evil]", "example.com",
                             "xloop.example.com", ":", "[::1", "127.0.0.1:50x"}) {
        ask.host = host;
        EXPECT_EQ(code(ask, read_route), 421U) << host;
        EXPECT_EQ(code(ask, to(Page::home, Need::nothing)), 421U) << host;
        // Probes call by any name, and the original answered everybody.
        EXPECT_EQ(code(ask, to(Page::status, Need::nothing)), 200U) << host;
    }
}

TEST(Gate, OtherSitesAreNotAnswered) {
    for (const char* origin : {"http://evil.example", "null", "", "http://127.0.0.1",
                               "http://127.0.0.1:5001", "http://localhost:5000"}) {
        HttpAsk ask = good_change();
        ask.origin = origin;
        EXPECT_EQ(code(ask, read_route), 403U) << origin;
        EXPECT_EQ(code(ask, change_route), 403U) << origin;
        EXPECT_EQ(code(ask, to(Page::status, Need::nothing)), 200U);
    }
    HttpAsk ask = good_change();
    ask.origin.reset();
    EXPECT_EQ(code(ask, change_route), 200U);
    ask.origin = "http://127.0.0.1:5000";
    ask.host.reset();
    EXPECT_EQ(code(ask, change_route), 403U);
}

TEST(Gate, AChangeNeedsTokenAndContentType) {
    EXPECT_EQ(code(good_change(), change_route), 200U);
    for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded",
                             "application/jsonx", "multipart/form-data", "application/toml"}) {
        HttpAsk ask = good_change();
        ask.content_type = type;
        EXPECT_EQ(code(ask, change_route), 415U) << type;
    }
    HttpAsk ask = good_change();
    ask.content_type = "application/toml";
    EXPECT_EQ(code(ask, to(Page::check, Need::change)), 200U);
    const std::vector<std::string> wrong = {"",
                                            token,
                                            "Bearer",
                                            "Bearer ",
                                            "Bearer " + token + "x",
                                            "Basic " + token,
                                            "Bearer 0123456789abcdeF",
                                            "Bearer x123456789abcdef"};
    for (const std::string& shown : wrong) {
        ask = good_change();
        ask.authorization = shown;
        EXPECT_EQ(code(ask, change_route), 401U) << shown;
        EXPECT_EQ(code(ask, read_route), 200U) << shown;
    }
}

TEST(Gate, WithoutATokenNothingIsChanged) {
    GateRules none = rules();
    none.token.clear();
    HttpAsk ask = good_change();
    ask.authorization = "Bearer ";
    EXPECT_EQ(code(ask, change_route, none), 401U);
}

TEST(Gate, WideReadingNeedsTheTokenToo) {
    GateRules wide = rules();
    wide.wide = true;
    HttpAsk ask;
    EXPECT_EQ(code(ask, read_route, wide), 401U);
    EXPECT_EQ(code(ask, to(Page::home, Need::nothing), wide), 200U);
    EXPECT_EQ(code(ask, to(Page::healthz, Need::nothing), wide), 200U);
    EXPECT_EQ(code(good_change(), read_route, wide), 200U);
}

}  // namespace
}  // namespace oneloop::worker
