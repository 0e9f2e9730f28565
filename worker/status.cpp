#include "worker/status.h"

#include <nlohmann/json.hpp>

namespace oneloop::worker {
namespace {

using json = nlohmann::ordered_json;

// Texts may come from outside: what is not UTF-8 is replaced, not thrown about.
std::string dump(const json& body) {
    return body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

HttpAnswer error(unsigned code, const char* name, const std::string& message) {
    const json body = {{"error", {{"code", name}, {"message", message}}}};
    return {code, "application/json", dump(body), false, ""};
}

json text_or_null(const std::string& text) {
    return text.empty() ? json(nullptr) : json(text);
}

json outbox_of(const Snapshot& now) {
    if (!now.outbox) return nullptr;
    const OutboxStatus& box = *now.outbox;
    json which = json::array();
    for (const auto& one : box.which) {
        which.push_back({{"key", one.key},
                         {"channel", one.channel},
                         {"to", one.to},
                         {"subject", one.subject},
                         {"since", one.since},
                         {"reply", one.reply}});
    }
    return {{"queued", box.counts.queued},
            {"failed", box.counts.failed},
            {"sent", box.counts.sent},
            {"uncertain", box.counts.uncertain},
            {"dead", box.counts.dead},
            {"skipped", box.counts.skipped},
            {"doubtful_ever", box.counts.doubtful},
            {"not_written_ever", box.counts.overflow},
            {"uncertain_messages", std::move(which)}};
}

HttpAnswer status(const Snapshot& now, std::chrono::seconds uptime) {
    json rows = nullptr;
    for (const std::string& row : now.rows) {
        json parsed = json::parse(row, nullptr, false);
        if (!parsed.is_discarded()) rows.push_back(std::move(parsed));
    }
    json body;
    body["open"] = now.open;
    body["lastCheck"] = now.checked ? json(*now.checked) : json(nullptr);
    body["info"] = std::move(rows);
    body["oneloop"] = {{"version", now.version},
                       {"job", now.job},
                       {"instance", text_or_null(now.instance)},
                       {"generation", now.generation},
                       {"pid", now.pid},
                       {"polling", now.polling},
                       {"why_not", text_or_null(now.why_not)},
                       {"tick", now.tick},
                       {"next", text_or_null(now.next)},
                       {"source", now.source},
                       {"duplicates_prevented", now.duplicates_prevented},
                       {"outbox", outbox_of(now)},
                       {"uptime_s", uptime.count()}};
    return {200, "application/json", dump(body), true, ""};
}

HttpAnswer health(const Snapshot& snapshot, BootTime now) {
    if (!snapshot.polling) return error(503, "not_polling", "not polling: " + snapshot.why_not);
    if (snapshot.overdue && now > *snapshot.overdue) {
        return error(503, "stuck", "the last tick is overdue");
    }
    return {200, "application/json", "{\"ok\":true}\n", false, ""};
}

HttpAnswer home(const Snapshot& now) {
    std::string text = "oneloop " + now.version + " " + now.job + ": ";
    text +=
        now.polling ? "polling, tick " + std::to_string(now.tick) : "not polling, " + now.why_not;
    text += now.open ? ", open" : ", not open";
    return {200, "text/plain; charset=utf-8", text + "\n", false, ""};
}

}  // namespace

HttpAnswer answer(std::string_view method, std::string_view target, const Snapshot& snapshot,
                  BootTime now, std::chrono::seconds uptime) {
    const std::string_view path = target.substr(0, target.find('?'));
    if (path != "/" && path != "/status" && path != "/healthz") {
        return error(404, "not_found", "no such page; there are /, /status and /healthz");
    }
    if (method != "GET" && method != "HEAD") {
        HttpAnswer refusal = error(405, "method_not_allowed", "only GET and HEAD");
        refusal.allow = "GET, HEAD";
        return refusal;
    }
    if (path == "/status") return status(snapshot, uptime);
    if (path == "/healthz") return health(snapshot, now);
    return home(snapshot);
}

}  // namespace oneloop::worker
