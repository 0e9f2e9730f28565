#include "worker/http_answer.h"

#include <nlohmann/json.hpp>

namespace oneloop::worker {

HttpAnswer json_answer(std::string text, unsigned status) {
    HttpAnswer answer;
    answer.code = status;
    answer.type = "application/json";
    answer.body = std::move(text);
    return answer;
}

HttpAnswer error_answer(unsigned status, std::string_view code, const std::string& message) {
    const nlohmann::ordered_json body = {{"error", {{"code", code}, {"message", message}}}};
    // What was asked for comes back in messages, and need not be UTF-8.
    using Handler = nlohmann::ordered_json::error_handler_t;
    return json_answer(body.dump(-1, ' ', false, Handler::replace) + "\n", status);
}

HttpAnswer no_such(std::string_view what, const std::string& id) {
    return error_answer(404, "not_found", "there is no " + std::string(what) + " '" + id + "'");
}

}  // namespace oneloop::worker
