#include "supervisor/commands.h"

#include <fmt/format.h>

#include <span>

namespace oneloop {
namespace {

std::span<const CommandEntry> commands() {
    return {};
}

}  // namespace

const CommandEntry* find_command(std::string_view name) {
    for (const auto& command : commands()) {
        if (command.name == name) return &command;
    }
    return nullptr;
}

std::string describe_commands() {
    std::string text;
    for (const auto& command : commands()) {
        text += fmt::format("  supervisor {:<28}{}\n", command.name, command.summary);
    }
    return text;
}

}  // namespace oneloop
