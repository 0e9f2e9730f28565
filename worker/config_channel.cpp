// [[channel]] and [template.NAME]: where messages go, and in which words.
#include <algorithm>
#include <map>
#include <set>

#include "common/duration.h"
#include "worker/config_reader.h"
#include "worker/message.h"
#include "worker/template.h"
#include "worker/text.h"

namespace oneloop::worker {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// Below the 35 s that a supervisor gives our worker to stop.
constexpr milliseconds longest_timeout = 30s;

void check(const ConfigReader& reader, std::string_view key, const std::string& text,
           const std::vector<std::string_view>& names) {
    const std::string problem = check_words(text, names);
    if (!problem.empty() && reader.has(key))
        reader.problem(*reader.node(key), reader.name() + "." + std::string(key) + ": " + problem);
}

std::map<std::string, Wording> read_wordings(const ConfigReader& top) {
    std::map<std::string, Wording> result;
    const auto* templates = top.table("template");
    if (!templates) return result;
    for (const auto& [key, value] : *templates) {
        const std::string name(key.str());
        if (!value.is_table()) {
            top.problem(value, "template." + name + " must be a table, [template." + name + "]");
            continue;
        }
        const ConfigReader reader(*value.as_table(), "template." + name,
                                  {"subject", "item", "text"}, top.problems());
        Wording wording = default_wording();
        wording.subject = reader.text("subject").value_or(wording.subject);
        wording.item = reader.text("item").value_or(wording.item);
        wording.text = reader.text("text").value_or(wording.text);
        check(reader, "subject", wording.subject, subject_names());
        check(reader, "item", wording.item, item_names());
        check(reader, "text", wording.text, text_names());
        result.emplace(name, std::move(wording));
    }
    return result;
}

Mailbox read_mailbox(const ConfigReader& channel, const toml::node& node) {
    const auto text = node.value_exact<std::string>();
    const auto box = text ? parse_mailbox(*text) : std::nullopt;
    if (!box) {
        channel.problem(node,
                        "an address is written \"a@example.com\" or "
                        "\"Name <a@example.com>\", in ASCII but for the name");
    }
    return box.value_or(Mailbox{});
}

void read_smtp(const ConfigReader& reader, Channel& channel) {
    channel.url.value = reader.required("url");
    const std::string& url = channel.url.value;
    const bool implicit = url.starts_with("smtps://");
    if (!url.empty() && ((!implicit && !url.starts_with("smtp://")) || host_of_url(url).empty() ||
                         url.find('@') != std::string::npos)) {
        reader.problem(*reader.node("url"),
                       "channel.url is \"smtp://HOST:587\" (STARTTLS) or \"smtps://HOST:465\"");
    }
    channel.tls =
        reader.choice("tls", {"required", "off"}) == 0 ? Channel::Tls::required : Channel::Tls::off;
    if (channel.tls == Channel::Tls::off && reader.has("password") &&
        !is_loopback(host_of_url(url) + ":0")) {
        reader.problem(*reader.node("tls"),
                       "channel.tls = \"off\" would send the password in the clear");
    }
    channel.user = reader.text("user").value_or("");
    channel.password = read_setting(reader, "password", true);
    if (reader.has("user") != reader.has("password"))
        reader.problem_here("channel.user and channel.password belong together");
    if (reader.has("from")) {
        channel.from = read_mailbox(reader, *reader.node("from"));
    } else {
        reader.problem_here("channel.from is missing");
    }
    if (const auto* list = reader.array("to")) {
        for (const auto& entry : *list)
            channel.to.push_back(read_mailbox(reader, entry));
        if (list->empty()) reader.problem(*reader.node("to"), "channel.to is empty");
        if (list->size() > 50)
            reader.problem(*reader.node("to"), "channel.to has more than 50 addresses");
    } else if (!reader.has("to")) {
        reader.problem_here("channel.to is missing: a list of addresses");
    }
    const std::string& address = channel.from.address;
    const std::string own = address.substr(std::min(address.rfind('@') + 1, address.size()));
    channel.message_id_domain = reader.text("message_id_domain").value_or(own);
    if (channel.message_id_domain.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") !=
        std::string::npos) {
        reader.problem(reader.has("message_id_domain") ? *reader.node("message_id_domain")
                                                       : *reader.node("from"),
                       "channel.message_id_domain must be a name such as \"example.com\"");
    }
}

void read_webhook(const ConfigReader& reader, Channel& channel) {
    channel.url = read_setting(reader, "url", false);
    if (!reader.has("url")) reader.problem_here("channel.url is missing");
    if (!channel.url.value.empty() && host_and_port(channel.url.value).empty())
        reader.problem(*reader.node("url"), "channel.url must start with http:// or https://");
    constexpr std::string_view methods[] = {"POST", "PUT", "PATCH"};
    channel.method = methods[reader.choice("method", {"POST", "PUT", "PATCH"})];
    channel.content_type = reader.text("content_type").value_or(channel.content_type);
    channel.idempotency_header =
        reader.text("idempotency_header").value_or(channel.idempotency_header);
    if (const auto* headers = reader.table("headers")) {
        for (const auto& [key, value] : *headers) {
            const std::string name(key.str());
            const bool good = name.find_first_of(": \t\r\n") == std::string::npos && !name.empty();
            if (!good)
                reader.problem(value, "channel.headers: '" + one_line(name, 40) + "' is no name");
            channel.headers.emplace_back(name,
                                         read_setting(reader, value, "headers." + name, false));
        }
    }
    for (const auto& [key, text] : {std::pair{"content_type", channel.content_type},
                                    std::pair{"idempotency_header", channel.idempotency_header}}) {
        if (text.find_first_of("\r\n") != std::string::npos)
            reader.problem(*reader.node(key), std::string("channel.") + key + " has a line end");
    }
    channel.body = reader.text("body").value_or(default_body(channel.kind));
    if (channel.content_type.find("json") == std::string::npos) return;
    const auto names = body_names();
    const std::string tried = fill_body(channel.body, [&](std::string_view name, std::string_view) {
        const bool known = std::find(names.begin(), names.end(), name) != names.end();
        return known ? std::optional<std::string>("1") : std::nullopt;
    });
    if (!is_json(tried) && reader.has("body")) {
        reader.problem(*reader.node("body"),
                       "channel.body is no JSON once {text}, {subject}, {key} are filled in; give "
                       "another content_type, or put them in quotes");
    }
}

void read_exec(const ConfigReader& reader, Channel& channel) {
    channel.command = reader.texts("command");
    if (channel.command.empty() || channel.command[0].empty()) {
        reader.problem_here("channel.command is missing: a list, the program first; no shell");
    }
    channel.body = reader.text("body").value_or(default_body(channel.kind));
}

Channel read_channel(const toml::table& table, const std::map<std::string, Wording>& wordings,
                     std::vector<Problem>& problems) {
    const auto kind = table["kind"].value<std::string>().value_or("");
    std::set<std::string_view> keys = {"id",    "kind",    "on_uncertain", "max_age",
                                       "retry", "timeout", "template",     "quiet"};
    if (kind == "smtp")
        keys.insert(
            {"url", "tls", "ca", "user", "password", "from", "to", "message_id_domain", "verify"});
    if (kind == "webhook")
        keys.insert(
            {"url", "ca", "method", "headers", "content_type", "idempotency_header", "body"});
    if (kind == "exec") keys.insert({"command", "body"});
    const ConfigReader reader(table, "channel", {keys.begin(), keys.end()}, problems);
    Channel channel;
    channel.id = reader.required("id");
    (void)reader.required("kind");
    constexpr Channel::Kind kinds[] = {Channel::Kind::smtp, Channel::Kind::webhook,
                                       Channel::Kind::exec};
    channel.kind = kinds[reader.choice("kind", {"smtp", "webhook", "exec"})];
    constexpr OnUncertain policies[] = {OnUncertain::resend, OnUncertain::skip, OnUncertain::ask,
                                        OnUncertain::verify};
    channel.rule.on_uncertain =
        policies[reader.choice("on_uncertain", {"resend", "skip", "ask", "verify"})];
    if (channel.rule.on_uncertain == OnUncertain::verify && kind != "smtp")
        reader.problem(*reader.node("on_uncertain"),
                       "on_uncertain = \"verify\" is for mail; this can be resend, skip or ask");
    channel.quiet = read_quiet(reader);
    channel.rule.max_age = reader.duration("max_age").value_or(channel.rule.max_age);
    read_retry(reader, channel.rule);
    channel.timeout = reader.duration("timeout").value_or(channel.timeout);
    if (channel.timeout < 1s || channel.timeout > longest_timeout)
        reader.problem(*reader.node("timeout"), "channel.timeout must be from 1s to 30s");
    channel.wording = default_wording();
    if (const auto name = reader.text("template")) {
        const auto found = wordings.find(*name);
        if (found == wordings.end()) {
            reader.problem(*reader.node("template"),
                           "there is no [template." + one_line(*name, 40) + "]");
        } else {
            channel.wording = found->second;
        }
    }
    if (reader.has("ca")) channel.ca = beside(reader.text("ca").value_or(""), table);
    if (kind == "smtp") {
        read_smtp(reader, channel);
        read_verify(reader, channel);
    }
    if (kind == "webhook") read_webhook(reader, channel);
    if (kind == "exec") read_exec(reader, channel);
    return channel;
}

void read_health(const ConfigReader& top, Config& config) {
    const auto* table = top.table("source_health");
    if (!table) return;
    const ConfigReader reader(*table, "source_health",
                              {"channels", "fail_after", "notify_recovery", "remind"},
                              top.problems());
    const auto after = reader.integer("fail_after").value_or(config.health.fail_after);
    if (after < 1 || after > 1000)
        reader.problem(*reader.node("fail_after"), "source_health.fail_after is from 1 to 1000");
    config.health.fail_after = static_cast<unsigned>(std::clamp<std::int64_t>(after, 1, 1000));
    config.health.recovery = reader.boolean("notify_recovery").value_or(true);
    if (reader.has("remind")) {
        config.health.remind = reader.duration("remind");
        if (config.health.remind && *config.health.remind < 1min)
            reader.problem(*reader.node("remind"), "source_health.remind is 1min at least");
    }
    config.health.channels = reader.texts("channels");
    if (!reader.has("channels")) reader.problem_here("source_health.channels is missing");
    check_channels(reader, config.health.channels, config.channels);
}

}  // namespace

void check_channels(const ConfigReader& reader, const std::vector<std::string>& ids,
                    const std::vector<Channel>& channels) {
    std::vector<std::string_view> known;
    for (const Channel& channel : channels)
        known.push_back(channel.id);
    for (const std::string& id : ids) {
        if (std::find(known.begin(), known.end(), id) != known.end()) continue;
        const auto near = nearest(id, known);
        reader.problem(*reader.node("channels"),
                       fmt::format("there is no [[channel]] with id '{}'{}", one_line(id, 40),
                                   near.empty() ? "" : fmt::format(", did you mean '{}'?", near)));
    }
}

void read_channels(const ConfigReader& top, Config& config) {
    const auto wordings = read_wordings(top);
    const auto* channels = top.array("channel");
    std::set<std::string> ids;
    static const toml::array none;
    for (const auto& entry : channels ? *channels : none) {
        if (!entry.is_table()) {
            top.problem(entry, "channel must be a table, [[channel]]");
            continue;
        }
        Channel channel = read_channel(*entry.as_table(), wordings, top.problems());
        if (!channel.id.empty() && !ids.insert(channel.id).second)
            top.problem(entry, "channel.id '" + one_line(channel.id, 40) + "' is used twice");
        config.channels.push_back(std::move(channel));
    }
    read_health(top, config);
}

}  // namespace oneloop::worker
