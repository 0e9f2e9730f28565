#include "worker/status.h"

#include <nlohmann/json.hpp>

namespace oneloop::worker {
namespace {

using json = nlohmann::ordered_json;

// Texts may come from outside: what is not UTF-8 is replaced, not thrown about.
std::string dump(const json& body) {
    return body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
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
            {"forgotten_early_ever", box.counts.forgotten},
            {"held", box.counts.held},
            {"uncertain_messages", std::move(which)}};
}

}  // namespace

HttpAnswer status_answer(const Snapshot& now, std::chrono::seconds uptime,
                         const Prevented& elsewhere) {
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
                       {"paused", now.paused},
                       {"ended", now.ended},
                       {"duplicates_prevented", now.prevented.total() + elsewhere.total()},
                       {"store",
                        {{"writable", now.store.trouble.empty()},
                         {"trouble", text_or_null(now.store.trouble)},
                         {"unsaved_ticks", now.store.unsaved_ticks},
                         {"bytes", now.store.bytes},
                         {"set_aside", text_or_null(now.store.set_aside)}}},
                       {"outbox", outbox_of(now)},
                       {"uptime_s", uptime.count()}};
    HttpAnswer answer = json_answer(dump(body));
    answer.any_origin = true;
    return answer;
}

HttpAnswer health_answer(const Snapshot& snapshot, BootTime now) {
    if (!snapshot.polling)
        return error_answer(503, "not_polling", "not polling: " + snapshot.why_not);
    if (snapshot.overdue && now > *snapshot.overdue)
        return error_answer(503, "stuck", "the last tick is overdue");
    return json_answer("{\"ok\":true}\n");
}

HttpAnswer ready_answer(const Snapshot& snapshot) {
    const auto not_ready = [](const char* reason, const std::string& why) {
        return json_answer(dump({{"ready", false}, {"reason", reason}, {"message", why}}), 503);
    };
    if (!snapshot.trouble.empty()) return not_ready("store", snapshot.trouble);
    if (snapshot.polling) return json_answer("{\"ready\":true}\n");
    const bool starting = snapshot.why_not == "starting";
    return not_ready(starting ? "starting" : "standby", snapshot.why_not);
}

HttpAnswer home_answer(const Snapshot& now) {
    HttpAnswer answer;
    answer.type = "text/plain; charset=utf-8";
    answer.body = "oneloop " + now.version + " " + now.job + ": ";
    answer.body +=
        now.polling ? "polling, tick " + std::to_string(now.tick) : "not polling, " + now.why_not;
    answer.body += now.open ? ", open\n" : ", not open\n";
    return answer;
}

}  // namespace oneloop::worker
