#include "supervisor/recognition.h"

#include <algorithm>
#include <optional>

namespace oneloop {
namespace {

using Words = std::vector<std::string>;

std::string_view file_name(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// python, python3, python3.11, pypy3
bool is_python(std::string_view program) {
    for (const std::string_view name : {"python", "pypy"}) {
        if (!program.starts_with(name)) continue;
        if (program.find_first_not_of("0123456789.", name.size()) == std::string_view::npos) {
            return true;
        }
    }
    return false;
}

struct Program {
    std::string name;
    Words arguments;
};

// What really runs.
std::optional<Program> program_of(const Words& command) {
    if (command.empty()) return std::nullopt;
    const auto rest = [&](std::size_t from) {
        return Words(command.begin() + static_cast<std::ptrdiff_t>(from), command.end());
    };
    const std::string_view first = file_name(command[0]);
    if (!is_python(first)) return Program{std::string(first), rest(1)};
    for (std::size_t at = 1; at < command.size(); ++at) {
        const std::string& word = command[at];
        if (word == "-W" || word == "-X" || word == "--check-hash-based-pycs") {
            ++at;  // python(1): these have a value
            continue;
        }
        if (!word.starts_with('-')) return Program{std::string(file_name(word)), rest(at + 1)};
        if (word == "-") return std::nullopt;  // its standard input
        // Short ones may stand together: "-um flask".
        const bool together = word[1] != '-' && word[1] != 'W' && word[1] != 'X';
        if (together && word.ends_with('c')) return std::nullopt;  // its text follows
        if (together && word.ends_with('m')) {
            if (at + 1 == command.size()) return std::nullopt;
            return Program{command[at + 1], rest(at + 2)};
        }
    }
    return std::nullopt;
}

// The arguments after the row's word, when the command is of the row.
std::optional<Words> arguments_of(const Preset& preset, const Program& program) {
    const auto& names = preset.programs;
    if (std::find(names.begin(), names.end(), program.name) == names.end()) return std::nullopt;
    if (preset.word.empty()) return program.arguments;
    // The first word that is neither an option nor, as far as can be told, an option's value.
    for (std::size_t at = 0; at < program.arguments.size(); ++at) {
        const std::string& word = program.arguments[at];
        if (word == preset.word) {
            return Words(program.arguments.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                         program.arguments.end());
        }
        if (!word.starts_with('-')) return std::nullopt;            // another one
        const bool flag = word.find("debug") != std::string::npos;  // of flask, without a value
        if (!flag && word.find('=') == std::string::npos) ++at;
    }
    return std::nullopt;
}

// "--port 80", "--port=80", "-p 80", "-p80"; the last one counts.
std::string value_of(const std::vector<std::string_view>& options, const Words& arguments) {
    std::string value;
    for (std::size_t at = 0; at < arguments.size(); ++at) {
        const std::string& word = arguments[at];
        for (const auto option : options) {
            if (word == option && at + 1 < arguments.size()) value = arguments[at + 1];
            if (!word.starts_with(option) || word.size() == option.size()) continue;
            const bool is_long = option.starts_with("--");
            if (is_long && word[option.size()] != '=') continue;
            value = word.substr(option.size() + (is_long ? 1 : 0));
        }
    }
    return value;
}

}  // namespace

const Preset* recognise(const Words& command) {
    const auto program = program_of(command);
    if (!program) return nullptr;
    for (const auto& preset : presets()) {
        if (arguments_of(preset, *program)) return &preset;
    }
    return nullptr;
}

bool names_descriptor(const Preset& preset, const Words& command) {
    const std::string_view wanted = preset.descriptor_argument;
    if (wanted.empty()) return false;
    return std::any_of(command.begin(), command.end(), [&](std::string_view word) {
        const auto at = word.find(wanted);
        if (at == std::string_view::npos) return false;
        const auto after = word.substr(at + wanted.size());
        return after.empty() || after[0] == '=' || (after[0] >= '0' && after[0] <= '9');
    });
}

std::string default_socket(const Preset& preset, const Words& command,
                           const std::function<std::string(std::string_view)>& variable) {
    const std::string usual(preset.default_socket);
    if (usual.empty()) return "";
    if (!preset.descriptor_argument.empty() && !names_descriptor(preset, command)) return "";
    const auto program = program_of(command);
    const auto arguments = program ? arguments_of(preset, *program) : std::nullopt;
    if (!arguments || preset.port_options.empty()) return usual;
    std::string host = value_of(preset.host_options, *arguments);
    std::string port = value_of(preset.port_options, *arguments);
    if (host.empty()) host = variable(preset.host_variable);
    if (port.empty()) port = variable(preset.port_variable);
    // As Werkzeug writes a path.
    if (host.starts_with("unix://")) return "unix:" + host.substr(7);
    const auto colon = usual.rfind(':');
    if (host.empty()) host = usual.substr(0, colon);
    if (port.empty()) port = usual.substr(colon + 1);
    if (host.find(':') != std::string::npos) host = "[" + host + "]";
    return host + ":" + port;
}

}  // namespace oneloop
