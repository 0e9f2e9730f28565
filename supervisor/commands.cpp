#include "supervisor/commands.h"

#include <fmt/format.h>

#include <array>
#include <span>

#include "supervisor/doctor.h"
#include "supervisor/remote_commands.h"

namespace oneloop {
namespace {

std::span<const CommandEntry> commands() {
    static constexpr std::array table = {
        CommandEntry{"status", "what runs here, since when and why; --json", status_command},
        CommandEntry{"ps", "every process of every instance of yours, as a tree", ps_command},
        CommandEntry{"why", "why the last restart happened", why_command},
        CommandEntry{"restart", "stop the worker and start the next one", restart_command},
        CommandEntry{"pause", "note changes, restart for none of them", pause_command},
        CommandEntry{"resume", "end the pause; restart once if something changed", resume_command},
        CommandEntry{"stop", "stop worker and supervisor, and wait for it", stop_command},
        CommandEntry{"clean", "remove the state of instances that are no more", clean_command},
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
