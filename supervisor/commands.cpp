#include "supervisor/commands.h"

#include <fmt/format.h>

#include <array>
#include <span>

#include "supervisor/doctor.h"

namespace oneloop {
namespace {

std::span<const CommandEntry> commands() {
    static constexpr std::array table = {
        CommandEntry{"doctor", "what holds on this machine, and what else runs COMMAND",
                     run_doctor},
    };
    return table;
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
