// [host."NAME"]: how a server may be asked, whichever watch asks it.
#include <algorithm>
#include <charconv>
#include <tuple>

#include "common/duration.h"
#include "worker/config_reader.h"

namespace oneloop::worker {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// Ten a second were borne where they were tried; more is an attack and no poll.
constexpr double highest_rate = 10;
constexpr double lowest_rate = 1.0 / 3600;

constexpr const char* default_user_agent =
    "oneloop/" ONELOOP_VERSION " (personal showtime notifier)";

// What a table says; what it leaves out stays as it is.
struct HostTable {
    std::optional<milliseconds> timeout;
    std::optional<std::string> user_agent;
    std::optional<std::string> ca;
    std::optional<double> rate;
    std::optional<int> burst;
    std::optional<std::pair<milliseconds, milliseconds>> backoff;
    std::optional<unsigned> retries;
    std::optional<Setting> proxy;
    std::optional<Http2> http2;
};

// "1/s", "30/min", "6/h"
std::optional<double> parse_rate(const std::string& text) {
    const auto slash = text.find('/');
    if (slash == std::string::npos) return std::nullopt;
    double count = 0;
    const char* end = text.data() + slash;
    const auto [rest, error] = std::from_chars(text.data(), end, count, std::chars_format::fixed);
    if (error != std::errc{} || rest != end) return std::nullopt;
    const std::string unit = text.substr(slash + 1);
    const double seconds = unit == "s" ? 1 : unit == "min" ? 60 : unit == "h" ? 3600 : 0;
    if (seconds == 0) return std::nullopt;
    const double rate = count / seconds;
    // Not "rate < lowest": nothing may be compared with what is no number.
    return rate >= lowest_rate && rate <= highest_rate ? std::optional(rate) : std::nullopt;
}

void read_backoff(const ConfigReader& reader, HostTable& host) {
    const auto text = reader.text("backoff");
    if (!text) return;
    const auto dots = text->find("..");
    const auto first = parse_duration(text->substr(0, dots));
    const auto longest = dots == std::string::npos ? first : parse_duration(text->substr(dots + 2));
    if (!first || !longest || *first < 1s || *longest < *first || *longest > 24h) {
        reader.problem(*reader.node("backoff"),
                       "host.backoff is the first and the longest pause, such as \"2s..5min\"");
        return;
    }
    host.backoff = {*first, *longest};
}

// "http://HOST:PORT" and the like; empty: none.
bool is_proxy(const std::string& url) {
    if (url.empty()) return true;
    const auto colon = url.find("://");
    if (colon == std::string::npos) return false;
    constexpr std::string_view schemes[] = {"http",    "https",  "socks4",
                                            "socks4a", "socks5", "socks5h"};
    if (std::find(std::begin(schemes), std::end(schemes), url.substr(0, colon)) ==
        std::end(schemes))
        return false;
    std::string host = url.substr(colon + 3);
    host = host.substr(host.rfind('@') + 1);
    if (host.ends_with('/')) host.pop_back();
    return !host.empty() && host.front() != ':' &&
           host.find_first_of(" \t/?#") == std::string::npos;
}

void read_proxy(const ConfigReader& reader, HostTable& host) {
    if (!reader.has("proxy")) return;
    host.proxy = read_setting(reader, "proxy", false);
    const std::string& url = host.proxy->value;
    const bool written = host.proxy->from.empty();
    if (!is_proxy(url)) {
        reader.problem(*reader.node("proxy"),
                       "host.proxy is a URL such as \"http://proxy.example.com:3128\" or "
                       "\"socks5h://127.0.0.1:1080\"; \"\" for none");
    } else if (written && url.find('@') != std::string::npos) {
        reader.problem(*reader.node("proxy"),
                       "host.proxy with a password must not stand here; write { env = \"NAME\" }, "
                       "{ file = \"PATH\" } or { credential = \"NAME\" }");
    }
}

HostTable read_host(const ConfigReader& reader, const toml::table& table) {
    HostTable host;
    host.timeout = reader.duration("timeout");
    if (host.timeout && (*host.timeout < 100ms || *host.timeout > 120s))
        reader.problem(*reader.node("timeout"), "host.timeout must be from 100ms to 2min");
    host.user_agent = reader.text("user_agent");
    if (host.user_agent && host.user_agent->find_first_of("\r\n") != std::string::npos)
        reader.problem(*reader.node("user_agent"), "host.user_agent has a line break");
    if (const auto ca = reader.text("ca")) host.ca = beside(*ca, table);
    if (const auto rate = reader.text("rate")) {
        host.rate = parse_rate(*rate);
        if (!host.rate)
            reader.problem(*reader.node("rate"),
                           "host.rate is from \"1/h\" to \"10/s\", such as \"1/s\" or \"30/min\"");
    }
    if (const auto burst = reader.integer("burst")) {
        if (*burst < 1 || *burst > 20)
            reader.problem(*reader.node("burst"), "host.burst is from 1 to 20");
        host.burst = static_cast<int>(std::clamp<std::int64_t>(*burst, 1, 20));
    }
    read_backoff(reader, host);
    if (const auto retries = reader.integer("retries")) {
        if (*retries < 0 || *retries > 5)
            reader.problem(*reader.node("retries"), "host.retries is from 0 to 5");
        host.retries = static_cast<unsigned>(std::clamp<std::int64_t>(*retries, 0, 5));
    }
    read_proxy(reader, host);
    if (reader.has("http2")) {
        constexpr Http2 values[] = {Http2::automatic, Http2::on, Http2::off};
        host.http2 = values[reader.choice("http2", {"auto", "on", "off"})];
    }
    return host;
}

void apply(const HostTable& host, Watch& watch) {
    watch.timeout = host.timeout.value_or(watch.timeout);
    watch.user_agent = host.user_agent.value_or(watch.user_agent);
    watch.ca = host.ca.value_or(watch.ca);
    watch.host.per_second = host.rate.value_or(watch.host.per_second);
    watch.host.burst = host.burst.value_or(watch.host.burst);
    watch.retries = host.retries.value_or(watch.retries);
    watch.http2 = host.http2.value_or(watch.http2);
    if (host.proxy) {
        watch.proxy = host.proxy->value;
        watch.proxy_from = host.proxy->from;
    }
    if (host.backoff)
        std::tie(watch.pace.backoff_first, watch.pace.backoff_longest) = *host.backoff;
}

}  // namespace

void apply_hosts(const ConfigReader& top, Config& config) {
    for (Watch& watch : config.watches)
        watch.user_agent = default_user_agent;
    const auto* hosts = top.table("host");
    if (!hosts) return;
    for (const auto& [name, value] : *hosts) {
        const std::string host(name.str());
        if (!value.is_table()) {
            top.problem(value, "host." + host + " must be a table, [host.\"" + host + "\"]");
            continue;
        }
        const ConfigReader reader(*value.as_table(), "host",
                                  {"timeout", "user_agent", "ca", "rate", "burst", "backoff",
                                   "retries", "proxy", "http2"},
                                  top.problems());
        const HostTable table = read_host(reader, *value.as_table());
        for (Watch& watch : config.watches) {
            const std::string& of_watch = watch.host.name;
            if (of_watch == host || of_watch.substr(0, of_watch.rfind(':')) == host)
                apply(table, watch);
        }
    }
}

}  // namespace oneloop::worker
