#include "common/journal.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "common/unique_fd.h"

namespace oneloop::journal {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 17> message_ids = {{
    {"watching", "8b59fb1133c244bf9bdd862df46f5e03"},
    {"changed", "a360af5988864b5da02621aa49145ccf"},
    {"unchanged", "832988130d664537afb5d5dda6562340"},
    {"events_lost", "6db6411b383746b9996c6f3fa2391722"},
    {"worker_started", "aac18eb59b4546baad566d98ed1c8713"},
    {"worker_ready", "0452fe96290b4b78afd8eba6be51e6c7"},
    {"worker_failed", "08fc57c1b66b426f9bd42a2cf7d02a43"},
    {"worker_ended", "41dbc392ca7d4b4c855b568d69754e22"},
    {"worker_not_started", "daad4f738e974a9db096ab71bfbf909e"},
    {"worker_stopped", "d06be91733a44f76b4afab43d933a46d"},
    {"worker_killed", "4309f457f14441f8997e90d7347de21f"},
    {"worker_stuck", "d9f4a1ef85264048a78b24a0910f515f"},
    {"own_write_held", "e49e0086181743dea47ecd5d32cd215a"},
    {"build_started", "e2609824820c4ccabef8afba5e045376"},
    {"build_done", "80cca15e73dd4ca3867ffae56fa1f15f"},
    {"build_failed", "fab7b6d4f3d64dc4a14c629bb53fa08e"},
    {"build_write_held", "2838867bf22c4857a21a371b5cd8d6b2"},
}};

bool is_taken = false;

// syslog(3).
int priority(log::Level level) {
    switch (level) {
        case log::Level::debug:
            return 7;
        case log::Level::info:
            return 6;
        case log::Level::warn:
            return 4;
        case log::Level::error:
            return 3;
    }
    return 6;
}

// "KEY=value"; with a line end in the value: the key, the length in 8 bytes, least significant
// first, and the value (systemd's JOURNAL_NATIVE_PROTOCOL).
void add(std::string& entry, std::string_view key, std::string_view value) {
    entry += key;
    if (value.find('\n') == std::string_view::npos) {
        entry += '=';
    } else {
        entry += '\n';
        for (std::uint64_t size = value.size(), byte = 0; byte < 8; ++byte, size >>= 8)
            entry += static_cast<char>(size & 0xff);
    }
    entry += value;
    entry += '\n';
}

std::string text_of(const log::Value& value) {
    struct Text {
        std::string operator()(const std::string& text) const { return text; }
        std::string operator()(std::int64_t number) const { return std::to_string(number); }
        std::string operator()(double number) const { return fmt::format("{}", number); }
        std::string operator()(bool truth) const { return truth ? "true" : "false"; }
        std::string operator()(const std::vector<std::string>& list) const {
            return fmt::format("{}", fmt::join(list, " "));
        }
    };
    return std::visit(Text{}, value);
}

std::string key_of(std::string_view field) {
    std::string key = "ONELOOP_";
    for (const char c : field)
        key += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return key;
}

}  // namespace

bool is_stream(int fd) {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat info {};
    if (!stream || ::fstat(fd, &info) != 0) return false;
    return fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

void take() {
    is_taken = true;
}

bool taken() {
    return is_taken;
}

std::string_view message_id(std::string_view event) {
    const auto* found = std::find_if(message_ids.begin(), message_ids.end(),
                                     [&](const auto& one) { return one.first == event; });
    return found == message_ids.end() ? "" : found->second;
}

std::string entry(const log::Event& event, const Context& context) {
    std::string result;
    add(result, "MESSAGE", event.text);
    add(result, "PRIORITY", std::to_string(priority(event.level)));
    add(result, "SYSLOG_IDENTIFIER", context.program);
    add(result, "ONELOOP_EVENT", event.name);
    if (const auto id = message_id(event.name); !id.empty()) add(result, "MESSAGE_ID", id);
    bool has_generation = false;
    for (const auto& field : event.fields) {
        add(result, key_of(field.key), text_of(field.value));
        has_generation = has_generation || field.key == "generation";
    }
    if (!has_generation && context.generation > 0)
        add(result, "ONELOOP_GENERATION", std::to_string(context.generation));
    return result;
}

bool send(const std::string& entry, const char* socket) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::strncpy(to.sun_path, socket, sizeof to.sun_path - 1);
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return fd && ::sendto(fd.get(), entry.data(), entry.size(), MSG_NOSIGNAL,
                          reinterpret_cast<const sockaddr*>(&to), sizeof to) >= 0;
}

}  // namespace oneloop::journal
