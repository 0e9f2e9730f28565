// HttpAnswer: what is said to one request, and HttpAsk: the parts of a request that decide it.
//
// Not for sockets (http_server.h), and not for what there is to say (status.h, api.h). Pure; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oneloop::worker {

// One request, complete. Header fields that may be missing are empty; of Host and Origin it
// matters whether they are there.
struct HttpAsk {
    std::string method;
    std::string target;
    std::optional<std::string> host;
    std::optional<std::string> origin;
    std::string authorization;
    std::string content_type;
    std::string accept;
    std::string last_event_id;
    std::string body;
};

struct HttpAnswer {
    unsigned code = 200;
    std::string type;  // content type
    std::string body;
    bool any_origin = false;  // Access-Control-Allow-Origin: *
    std::string allow;        // with 405
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string_view asset = {};  // instead of `body`: bytes that live as long as the program
};

// {"error":{"code","message"}} and a newline; `code` is a word for programs.
HttpAnswer error_answer(unsigned status, std::string_view code, const std::string& message);
// 404: there is no `what` of this id.
HttpAnswer no_such(std::string_view what, const std::string& id);
// A JSON text that is complete already.
HttpAnswer json_answer(std::string text, unsigned status = 200);

}  // namespace oneloop::worker
