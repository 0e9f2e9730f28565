#include "worker/memo.h"

#include <algorithm>
#include <utility>

namespace oneloop::worker {
namespace {

bool can_be_confirmed(const HttpReply& reply) {
    return reply.error.empty() && reply.code == 200 &&
           (!reply.etag.empty() || !reply.last_modified.empty());
}

}  // namespace

std::string Memo::key_of(const HttpRequest& request) {
    std::string key;
    // No part can hold a NUL that the next one begins with: they come from a TOML text.
    const auto add = [&key](const std::string& part) { (key += part) += '\0'; };
    add(request.method);
    add(request.url);
    add(request.user_agent);
    add(request.json);
    for (const Pairs* pairs : {&request.headers, &request.form}) {
        for (const auto& [name, value] : *pairs) {
            add(name);
            add(value);
        }
        add("");
    }
    return key;
}

const HttpReply* Memo::recent(const std::string& key, BootTime since) const {
    const auto found = entries_.find(key);
    return found != entries_.end() && found->second.at >= since ? &found->second.reply : nullptr;
}

void Memo::add_conditions(const std::string& key, HttpRequest& request) const {
    const auto found = entries_.find(key);
    if (request.method != "GET" || found == entries_.end()) return;
    const HttpReply& reply = found->second.reply;
    if (!can_be_confirmed(reply)) return;
    if (!reply.etag.empty()) request.headers.emplace_back("If-None-Match", reply.etag);
    if (!reply.last_modified.empty())
        request.headers.emplace_back("If-Modified-Since", reply.last_modified);
}

HttpReply Memo::keep(const std::string& key, HttpReply reply, BootTime at, bool shared) {
    const auto found = entries_.find(key);
    if (reply.error.empty() && reply.code == 304 && found != entries_.end() &&
        can_be_confirmed(found->second.reply)) {
        found->second.at = at;
        HttpReply confirmed = found->second.reply;
        confirmed.took = reply.took;
        return confirmed;
    }
    forget(key);
    if (shared || can_be_confirmed(reply)) {
        make_room(reply.body.size());
        bytes_ += reply.body.size();
        entries_.emplace(key, Entry{reply, at});
    }
    return reply;
}

void Memo::distrust(const std::string& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    found->second.reply.etag.clear();
    found->second.reply.last_modified.clear();
}

void Memo::forget(const std::string& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    bytes_ -= found->second.reply.body.size();
    entries_.erase(found);
}

void Memo::make_room(std::size_t size) {
    constexpr std::size_t most_entries = 4096;
    while (!entries_.empty() && (bytes_ + size > most_bytes || entries_.size() >= most_entries)) {
        const auto oldest = std::min_element(
            entries_.begin(), entries_.end(),
            [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
        forget(std::string(oldest->first));
    }
}

}  // namespace oneloop::worker
