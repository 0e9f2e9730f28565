#include "worker/recording.h"

#include <nlohmann/json.hpp>

namespace oneloop::worker {

using json = nlohmann::ordered_json;

std::string name_of_request(const HttpRequest& request) {
    std::string name = request.method + " " + request.url;
    for (const auto& [key, value] : request.form)
        name += (name.find(" ?") == std::string::npos ? " ?" : "&") + key + "=" + value;
    if (!request.json.empty()) name += " " + request.json;
    return name;
}

std::string to_line(const Recorded& recorded) {
    const HttpReply& reply = recorded.reply;
    const auto ms = [](WallTime time) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch())
            .count();
    };
    json line;
    line["at_ms"] = ms(recorded.at);
    line["done_ms"] = ms(recorded.done);
    line["request"] = recorded.request;
    if (!reply.error.empty()) line["error"] = reply.error;
    if (reply.again) line["again"] = true;
    line["code"] = reply.code;
    line["took_ms"] = reply.took.count();
    line["type"] = reply.content_type;
    if (reply.retry_after) line["retry_after"] = reply.retry_after->count();
    // Without them a 304 confirms nothing when it is played.
    if (!reply.etag.empty()) line["etag"] = reply.etag;
    if (!reply.last_modified.empty()) line["last_modified"] = reply.last_modified;
    line["body"] = reply.body;
    // What is not UTF-8 is no JSON a moment later either.
    return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::optional<Recorded> from_line(std::string_view text) {
    const json line = json::parse(text, nullptr, false);
    if (!line.is_object()) return std::nullopt;
    const auto word = [&](const char* key) {
        const auto found = line.find(key);
        return found != line.end() && found->is_string() ? found->get<std::string>() : "";
    };
    const auto number = [&](const char* key) -> std::optional<std::int64_t> {
        const auto found = line.find(key);
        if (found == line.end() || !found->is_number_integer()) return std::nullopt;
        return found->get<std::int64_t>();
    };
    const auto at = number("at_ms");
    if (!at || word("request").empty()) return std::nullopt;
    Recorded recorded;
    recorded.at = WallTime(std::chrono::milliseconds(*at));
    // What an older version has recorded took no time.
    recorded.done = WallTime(std::chrono::milliseconds(number("done_ms").value_or(*at)));
    recorded.request = word("request");
    recorded.reply.error = word("error");
    recorded.reply.again = line.value("again", json(false)) == json(true);
    recorded.reply.code = static_cast<int>(number("code").value_or(0));
    recorded.reply.took = std::chrono::milliseconds(number("took_ms").value_or(0));
    recorded.reply.content_type = word("type");
    recorded.reply.etag = word("etag");
    recorded.reply.last_modified = word("last_modified");
    recorded.reply.body = word("body");
    if (const auto after = number("retry_after"))
        recorded.reply.retry_after = std::chrono::seconds(*after);
    return recorded;
}

}  // namespace oneloop::worker
