#include "worker/print_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/duration.h"
#include "worker/template.h"
#include "worker/token_file.h"

namespace oneloop::worker {
namespace {

std::string quoted(const std::string& text) {
    return "\"" + escape_json(text) + "\"";
}

std::string list(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts)
        out += (out.empty() ? "" : ", ") + quoted(text);
    return "[" + out + "]";
}

// "https://***@host/": who logs in there, and how, is nobody's business.
std::string without_user(std::string url) {
    const auto begin = url.find("://");
    if (begin == std::string::npos) return url;
    const auto end = std::min(url.find_first_of("/?#", begin + 3), url.size());
    const auto at = url.rfind('@', end);
    if (at != std::string::npos && at > begin) url.replace(begin + 3, at - begin - 3, "***");
    return url;
}

// A text that stands in the file may be a secret all the same, such as the path of a webhook.
std::string veil(const Setting& setting, const std::string& shown) {
    return quoted(setting.from.empty() ? shown : "*** (" + setting.from + ")");
}

std::string clock_of(std::chrono::minutes time) {
    return fmt::format("{:02}:{:02}", time.count() / 60, time.count() % 60);
}

void channel_of(const Channel& channel, std::string& out) {
    out += fmt::format("\n[[channel]]\nid = {}\nkind = {}\n", quoted(channel.id),
                       quoted(std::string(name_of(channel.kind))));
    const auto line = [&](const char* key, const std::string& value) {
        out += fmt::format("{} = {}\n", key, value);
    };
    if (channel.kind == Channel::Kind::smtp) {
        line("url", quoted(channel.url.value));
        line("tls", quoted(channel.tls == Channel::Tls::required ? "required" : "off"));
        if (!channel.user.empty()) {
            line("user", quoted(channel.user));
            line("password", veil(channel.password, "***"));
        }
        line("from", quoted(channel.from.address));
        std::vector<std::string> to;
        for (const Mailbox& box : channel.to)
            to.push_back(box.address);
        line("to", list(to));
        line("message_id_domain", quoted(channel.message_id_domain));
    }
    if (channel.kind == Channel::Kind::webhook) {
        line("url", veil(channel.url, host_and_port(channel.url.value) + "/***"));
        line("method", quoted(channel.method));
        for (const auto& [name, value] : channel.headers)
            line(("headers." + quoted(name)).c_str(), veil(value, "***"));
        line("content_type", quoted(channel.content_type));
        line("idempotency_header", quoted(channel.idempotency_header));
    }
    if (channel.kind == Channel::Kind::exec) line("command", list(channel.command));
    if (channel.kind != Channel::Kind::smtp) line("body", quoted(channel.body));
    if (channel.quiet) {
        line("quiet", fmt::format("{{ from = \"{}\", to = \"{}\", then = \"digest\" }}",
                                  clock_of(channel.quiet->from), clock_of(channel.quiet->to)));
    }
    if (!channel.verify.url.empty()) {
        line("verify",
             fmt::format("{{ imap = {}, folder = {}, wait = {}, user = {}, password = {} }}",
                         quoted(channel.verify.url), quoted(channel.verify.folder),
                         quoted(format_duration(channel.rule.look_after)),
                         quoted(channel.verify.user), veil(channel.verify.password, "***")));
    }
    line("on_uncertain", quoted(std::string(name_of(channel.rule.on_uncertain))));
    line("retry", quoted(format_duration(channel.rule.first) + ".." +
                         format_duration(channel.rule.longest)));
    line("max_age", quoted(format_duration(channel.rule.max_age)));
    line("timeout", quoted(format_duration(channel.timeout)));
}

std::string backoff_of(const Pace& pace) {
    return format_duration(pace.backoff_first) + ".." + format_duration(pace.backoff_longest);
}

// How the host of a watch is asked.
void host_of(const Watch& watch, std::string& out) {
    out += fmt::format("\n[host.{}]\ntimeout = {}\n", quoted(watch.host.name),
                       quoted(format_duration(watch.timeout)));
    if (watch.host.per_second > 0)
        out += fmt::format("rate = \"{:g}/h\"\nburst = {}\n", watch.host.per_second * 3600,
                           watch.host.burst);
    out +=
        fmt::format("backoff = {}\nretries = {}\n", quoted(backoff_of(watch.pace)), watch.retries);
    if (watch.proxy)
        out += fmt::format("proxy = {}\n", veil({*watch.proxy, watch.proxy_from}, *watch.proxy));
    constexpr const char* http2[] = {"auto", "on", "off"};
    out += fmt::format("http2 = \"{}\"\nuser_agent = {}\n",
                       http2[static_cast<std::size_t>(watch.http2)], quoted(watch.user_agent));
    if (!watch.ca.empty()) out += fmt::format("ca = {}\n", quoted(watch.ca));
}

}  // namespace

std::string print_config(const Config& config) {
    std::string out = fmt::format(
        "version = 1\njob = {}\ntimezone = {}\nstate = {}\nlanguage = \"{}\"\n\n[http]\nlisten = "
        "\"{}:{}\"\ntoken = {}\nhosts = {}\n\n[limits]\nmax_pending = {}\nmax_state = "
        "\"{}MiB\"\nmax_events = {}\n",
        quoted(config.job), quoted(config.timezone), quoted(state_path(config)),
        config.language == Language::ko ? "ko" : "en", config.listen_host, config.listen_port,
        config.http_token.from.empty() ? quoted(token_path(state_path(config)))
                                       : quoted("*** (" + config.http_token.from + ")"),
        list(config.http_hosts), config.most_pending, config.limits.most_bytes / (1024 * 1024),
        config.limits.most_events);
    for (const Channel& channel : config.channels)
        channel_of(channel, out);
    std::set<std::string> hosts;
    for (const Watch& watch : config.watches) {
        if (hosts.insert(watch.host.name).second) host_of(watch, out);
    }
    for (const Watch& watch : config.watches) {
        std::vector<std::string> events;
        for (const EventKind kind : watch.alerts.events)
            events.emplace_back(name_of(kind));
        out += fmt::format(
            "\n[[watch]]\nid = {}\nname = {}\nevery = {}\nalign = {}\nsource.url = {}\n"
            "channels = {}\nevents = {}\nconfirm = {}\nfirst_run = \"{}\"\n",
            quoted(watch.id), quoted(watch.name), quoted(format_duration(watch.pace.every)),
            watch.pace.align, quoted(without_user(watch.sources[0].url)),
            list(watch.alerts.channels), list(events), watch.confirm,
            watch.alerts.digest ? "digest" : "silent");
        if (watch.until)
            out += "active_until = " + quoted(format_date(*watch.until, "%Y-%m-%d")) + "\n";
    }
    return out;
}

}  // namespace oneloop::worker
