#include "worker/config.h"

#include <pwd.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "worker/config_reader.h"
#include "worker/presets.h"
#include "worker/zone.h"

namespace oneloop::worker {
namespace {

void read_listen(const ConfigReader& http, Config& config) {
    const auto listen = http.text("listen");
    if (!listen) return;
    const auto colon = listen->rfind(':');
    int port = -1;
    if (colon != std::string::npos) {
        const char* end = listen->data() + listen->size();
        const auto [rest, error] = std::from_chars(listen->data() + colon + 1, end, port);
        if (error != std::errc{} || rest != end) port = -1;
    }
    if (port < 0 || port > 65535 || colon == 0) {
        http.problem(*http.node("listen"),
                     "http.listen must be \"ADDRESS:PORT\", such as \"127.0.0.1:5000\"");
        return;
    }
    config.listen_port = static_cast<std::uint16_t>(port);
    config.listen_host = listen->substr(0, colon);
    if (config.listen_host.front() == '[' && config.listen_host.back() == ']') {
        config.listen_host = config.listen_host.substr(1, config.listen_host.size() - 2);
    }
}

void read_job(const ConfigReader& top, Config& config) {
    config.job = top.text("job").value_or(config.job);
    const bool good = !config.job.empty() && config.job.size() <= 64 && config.job[0] != '.' &&
                      std::all_of(config.job.begin(), config.job.end(), [](unsigned char c) {
                          return (c < 0x80 && std::isalnum(c)) || c == '.' || c == '_' || c == '-';
                      });
    if (!good)
        top.problem(*top.node("job"), "job must be letters, digits, '.', '_' or '-', at most 64");
}

// The server of the megabox preset.
std::string read_presets(const ConfigReader& top) {
    const auto* presets = top.table("preset");
    if (!presets) return megabox_server;
    const ConfigReader reader(*presets, "preset", {"megabox"}, top.problems());
    const auto* megabox = reader.table("megabox");
    if (!megabox) return megabox_server;
    const ConfigReader preset(*megabox, "preset.megabox", {"server"}, top.problems());
    std::string server = preset.text("server").value_or(megabox_server);
    if (host_and_port(server).empty()) {
        preset.problem(*preset.node("server"),
                       "preset.megabox.server must start with http:// or https://");
    }
    while (!server.empty() && server.back() == '/')
        server.pop_back();
    return server;
}

// RFC 6750, 2.1: what a token in a header may be. They need no escaping in a link either.
constexpr const char* token_characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";

void read_document(const toml::table& document, ConfigReading& reading) {
    Config& config = reading.config;
    const ConfigReader top(document, "",
                           {"version", "job", "timezone", "state", "language", "http", "log",
                            "host", "preset", "watch", "channel", "template", "limits",
                            "source_health", "supervisor"},  // the last is not ours
                           reading.problems);
    if (!top.has("version")) {
        reading.problems.push_back({1, 1, "version is missing: write version = 1"});
    } else if (const auto version = top.integer("version"); version && *version != 1) {
        top.problem(*top.node("version"), "version must be 1");
    }
    read_job(top, config);
    config.timezone = top.text("timezone").value_or(config.timezone);
    if (const auto zone = Zone::named(config.timezone); !zone) {
        if (const auto* node = top.node("timezone")) {
            top.problem(*node, zone.error().what);
        } else {  // the default is unknown: this machine has no tz database
            reading.problems.push_back({0, 0, zone.error().what + "; is tzdata installed?"});
        }
    }
    config.state = top.text("state").value_or("");
    if (!config.state.empty() &&
        state_path(config) == std::filesystem::absolute(config.file).lexically_normal())
        top.problem(*top.node("state"), "state is this file itself; name another");
    config.language = top.choice("language", {"ko", "en"}) == 0 ? Language::ko : Language::en;
    if (const auto* table = top.table("http")) {
        const ConfigReader http(*table, "http", {"listen", "token", "hosts"}, reading.problems);
        read_listen(http, config);
        config.http_token = read_setting(http, "token", true);
        const std::string& token = config.http_token.value;
        if (!token.empty() &&
            (token.size() < 16 || token.find_first_not_of(token_characters) != token.npos))
            http.problem(*http.node("token"),
                         "http.token: at least 16 of the characters A-Z a-z 0-9 - . _ ~ + / =");
        config.http_hosts = http.texts("hosts");
    }
    if (const auto* table = top.table("log")) {
        const ConfigReader log(*table, "log", {"format"}, reading.problems);
        if (log.has("format")) {
            config.log_format = log.choice("format", {"pretty", "logfmt"}) == 0 ? LogFormat::pretty
                                                                                : LogFormat::logfmt;
        }
    }
    read_limits(top, config);
    read_channels(top, config);
    const std::string server = read_presets(top);
    if (const auto* watches = top.array("watch")) {
        read_watches(*watches, server, config, reading.problems);
    } else if (!top.has("watch")) {
        reading.problems.push_back({1, 1, "there is no [[watch]]"});
    }
    apply_hosts(top, config);
}

}  // namespace

std::string format_problem(const std::string& file, const Problem& problem) {
    if (problem.line == 0) return file + ": " + problem.message;
    return fmt::format("{}:{}:{}: {}", file, problem.line, problem.column, problem.message);
}

ConfigReading parse_config(const std::string& text, const std::string& file) {
    ConfigReading reading;
    reading.config.file = file;
    try {
        read_document(toml::parse(text, file), reading);
    } catch (const toml::parse_error& error) {
        const auto& place = error.source().begin;
        reading.problems.push_back({static_cast<int>(place.line), static_cast<int>(place.column),
                                    std::string(error.description())});
    }
    std::stable_sort(reading.problems.begin(), reading.problems.end(),
                     [](const Problem& a, const Problem& b) {
                         return std::pair(a.line, a.column) < std::pair(b.line, b.column);
                     });
    return reading;
}

ConfigReading read_config(const std::string& file) {
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    const int why = errno;
    std::ostringstream text;
    if (stream) text << stream.rdbuf();
    // An empty file leaves failbit in `text`; only the stream's own state counts.
    if (!stream || stream.bad() || std::filesystem::is_directory(file)) {
        ConfigReading reading;
        const std::string reason = why ? std::strerror(why) : "not a regular file";
        reading.problems.push_back(
            {0, 0, "can't be read: " + reason + " (name one with --config)"});
        return reading;
    }
    return parse_config(text.str(), file);
}

std::string state_path(const Config& config) {
    namespace fs = std::filesystem;
    if (!config.state.empty()) {
        return (fs::absolute(config.file).parent_path() / config.state).lexically_normal().string();
    }
    const std::string name = config.job + ".db";
    if (const char* given = std::getenv("STATE_DIRECTORY"); given && *given) {
        const std::string directories = given;  // separated by colons; the first is ours
        return (fs::path(directories.substr(0, directories.find(':'))) / name).string();
    }
    const passwd* user = ::getpwuid(::geteuid());
    const std::string home = user && user->pw_dir ? user->pw_dir : "/";
    return (fs::path(home) / ".local/state/oneloop" / name).string();
}

std::string host_and_port(const std::string& url) {
    for (const std::string scheme : {"http://", "https://"}) {
        if (!url.starts_with(scheme)) continue;
        const auto end = url.find_first_of("/?#", scheme.size());
        std::string host = url.substr(scheme.size(), end - scheme.size());
        return host.substr(host.rfind('@') + 1);
    }
    return {};
}

bool is_loopback(const std::string& host_and_port) {
    const std::string host = host_and_port.substr(0, host_and_port.rfind(':'));
    if (host == "localhost" || host == "[::1]" || host_and_port == "[::1]") return true;
    // "127.example.org" is not loopback.
    return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace oneloop::worker
