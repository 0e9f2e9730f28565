// Whatever a client sends: no crash, no change without the token, and each refusal is JSON. The
// first lines of the input are method, target, Host, Origin, Authorization and content type ("-"
// for a field that is not there), the rest is the body. With clang a libFuzzer program,
// tests/request_fuzz; elsewhere request_corpus_test feeds it the corpus.
//
//   build/clang/tests/request_fuzz -max_total_time=60 -max_len=4096 tests/fuzz/corpus/request
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "common/check.h"
#include "worker/api_body.h"
#include "worker/api_json.h"
#include "worker/gate.h"

namespace {

std::string take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    const std::string line(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return line;
}

void expect_refusal(const oneloop::worker::HttpAnswer& answer) {
    ONELOOP_CHECK(answer.code >= 400 && answer.code < 500, "a refusal is the client's fault");
    const auto body = nlohmann::json::parse(answer.body, nullptr, false);
    ONELOOP_CHECK(body.is_object() && body["error"]["code"].is_string(), "a refusal is JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace oneloop::worker;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    HttpAsk ask;
    ask.method = take_line(rest);
    ask.target = take_line(rest);
    if (const auto host = take_line(rest); host != "-") ask.host = host;
    if (const auto origin = take_line(rest); origin != "-") ask.origin = origin;
    ask.authorization = take_line(rest);
    ask.content_type = take_line(rest);
    ask.body = rest;

    GateRules rules;
    rules.token = "0123456789abcdef";
    rules.hosts = {"loop.example.com"};
    const auto found = find_route(ask.method, ask.target);
    if (const auto* none = std::get_if<HttpAnswer>(&found)) {
        expect_refusal(*none);
    } else {
        const auto& route = std::get<Route>(found);
        for (const bool wide : {false, true}) {
            rules.wide = wide;
            if (const auto refusal = refuse(ask, route, rules)) {
                expect_refusal(*refusal);
            } else if (route.need == Need::change || (wide && route.need == Need::read)) {
                ONELOOP_CHECK(ask.authorization.ends_with(rules.token), "the token was shown");
            }
        }
    }

    const auto mute = read_mute(ask.body, oneloop::WallTime{});
    if (const auto* refusal = std::get_if<HttpAnswer>(&mute)) expect_refusal(*refusal);
    (void)read_cursor(ask.body);
    (void)parse_rfc3339(ask.body);
    (void)stream_event({1, {}, "tick", ask.target, ask.body}, [](auto) { return std::string(); });
    return 0;
}
