// [[channel]]: when its messages go out, how often they are tried, and what follows when nobody
// knows whether one arrived.
#include <algorithm>

#include "common/duration.h"
#include "worker/config_reader.h"
#include "worker/text.h"

namespace oneloop::worker {

using namespace std::chrono_literals;

std::string host_of_url(const std::string& url) {
    const auto from = url.find("://") + 3;
    const std::string host = url.substr(from, url.find_first_of("/?#", from) - from);
    return host.substr(0, host.rfind(':'));
}

void read_retry(const ConfigReader& channel, RetryRule& rule) {
    const auto text = channel.text("retry");
    if (!text) return;
    const auto dots = text->find("..");
    const auto first = parse_duration(text->substr(0, dots));
    const auto longest = dots == std::string::npos ? first : parse_duration(text->substr(dots + 2));
    if (!first || !longest || *first < 100ms || *longest < *first || *longest > 24h) {
        channel.problem(*channel.node("retry"),
                        "channel.retry is the first and the longest pause, such as "
                        "\"10s..15m\", from 100ms to 24h");
        return;
    }
    rule.first = *first;
    rule.longest = *longest;
}

std::optional<QuietHours> read_quiet(const ConfigReader& channel) {
    const auto* table = channel.table("quiet");
    if (!table) return std::nullopt;
    const ConfigReader reader(*table, "channel.quiet", {"from", "to", "then"}, channel.problems());
    const auto clock = [&](const char* key) {
        const std::string text = reader.required(key);
        const auto time = parse_clock(text);
        if (!text.empty() && (!time || *time > 24h))
            reader.problem(*reader.node(key),
                           std::string("channel.quiet.") + key + " is a time, 00:00 to 24:00");
        return time.value_or(0min);
    };
    const QuietHours hours{clock("from"), clock("to") % (24 * 60)};
    (void)reader.choice("then", {"digest"});
    if (reader.has("from") && reader.has("to") && hours.from % (24 * 60) == hours.to)
        reader.problem_here("channel.quiet: from and to are the same time");
    return QuietHours{hours.from % (24 * 60), hours.to};
}

void read_verify(const ConfigReader& channel, Channel& result) {
    const bool wanted = result.rule.on_uncertain == OnUncertain::verify;
    if (!channel.has("verify")) {
        if (wanted)
            channel.problem(*channel.node("on_uncertain"),
                            "on_uncertain = \"verify\" needs channel.verify, such as "
                            "{ imap = \"imaps://imap.example.com\", folder = \"Sent\" }");
        return;
    }
    const auto* table = channel.table("verify");
    if (!table) return;
    const ConfigReader reader(*table, "channel.verify",
                              {"imap", "folder", "wait", "user", "password"}, channel.problems());
    Mailbag& bag = result.verify;
    bag.url = reader.required("imap");
    if (!bag.url.empty() &&
        ((!bag.url.starts_with("imaps://") && !bag.url.starts_with("imap://")) ||
         host_of_url(bag.url).empty() || bag.url.find_first_of("@?#") != std::string::npos)) {
        reader.problem(*reader.node("imap"),
                       "channel.verify.imap is \"imaps://HOST\", or \"imap://HOST\" with STARTTLS");
    }
    bag.folder = reader.required("folder");
    const auto plain = [](unsigned char c) { return c >= 0x20 && c < 0x7F; };
    if (!std::all_of(bag.folder.begin(), bag.folder.end(), plain))
        reader.problem(*reader.node("folder"), "channel.verify.folder is written in ASCII");
    result.rule.look_after = reader.duration("wait").value_or(result.rule.look_after);
    if (result.rule.look_after < 1s || result.rule.look_after > 1h)
        reader.problem(*reader.node("wait"), "channel.verify.wait must be from 1s to 1h");
    bag.user = reader.text("user").value_or(result.user);
    bag.password =
        reader.has("password") ? read_setting(reader, "password", true) : result.password;
    if (bag.user.empty() || (bag.password.from.empty() && bag.password.value.empty()))
        reader.problem_here("channel.verify needs user and password, here or in the channel");
    if (result.tls == Channel::Tls::off && bag.url.starts_with("imap://") &&
        !is_loopback(host_of_url(bag.url) + ":0"))
        reader.problem(*reader.node("imap"),
                       "channel.tls = \"off\" would send the password in the clear");
    if (!wanted)
        channel.problem(*channel.node("verify"), "channel.verify is for on_uncertain = \"verify\"");
}

}  // namespace oneloop::worker
