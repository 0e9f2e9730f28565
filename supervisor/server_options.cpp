#include "supervisor/server_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "supervisor/recognition.h"

namespace oneloop {
namespace {

// Null: there is none of that name.
const Preset* choose_preset(const CommandLine& line, Options& options) {
    if (line.flask) return find_preset("flask");
    if (line.preset != "auto") return find_preset(line.preset);
    const Preset* found = options.our_worker ? nullptr : recognise(options.command);
    options.recognised = found != nullptr;
    return found ? found : find_preset("none");
}

std::optional<Refusal> apply_down(const CommandLine& line, Options& options) {
    const auto& sockets = options.sockets;
    const auto is_unix = [](const SocketSpec& spec) { return spec.is_unix(); };
    const bool tcp = std::none_of(sockets.begin(), sockets.end(), is_unix);
    if (options.preset->serves_http && tcp && !sockets.empty()) options.down = Down::unavailable;
    if (line.down == "503") options.down = Down::unavailable;
    if (line.down == "hold") options.down = Down::hold;
    if (line.down != "refuse") return std::nullopt;
    options.down = Down::refuse;
    const bool fixed = std::none_of(sockets.begin(), sockets.end(),
                                    [](const SocketSpec& spec) { return spec.port == "0"; });
    if (tcp && fixed) return std::nullopt;
    return usage("--down refuse needs TCP sockets whose port is not 0").value();
}

}  // namespace

std::optional<Refusal> apply_preset(const CommandLine& line, Options& options) {
    if (line.flask && line.preset != "auto" && line.preset != "flask") {
        return usage("--flask and --preset " + line.preset + " exclude each other").value();
    }
    if (line.flask && !options.command_given) {
        return usage("--flask needs a command: supervisor --flask --watch -- python3 app.py")
            .value();
    }
    options.preset = choose_preset(line, options);
    if (options.preset) return std::nullopt;
    return usage(fmt::format("--preset {}: unknown; the presets are auto, {}", line.preset,
                             preset_names()))
        .value();
}

std::optional<Refusal> apply_sockets(const CommandLine& line, Options& options) {
    std::vector<std::string> sockets = line.sockets;
    if (sockets.empty()) {
        const auto usual = default_socket(*options.preset, options.command, [](auto name) {
            const char* value = std::getenv(std::string(name).c_str());
            return std::string(value ? value : "");
        });
        if (!usual.empty()) sockets.push_back(usual);
    }
    for (const auto& text : sockets) {
        auto spec = parse_socket(text);
        if (!spec) return usage(spec.error().what).value();
        options.sockets.push_back(std::move(*spec));
    }
    return apply_down(line, options);
}

}  // namespace oneloop
