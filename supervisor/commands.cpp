#include "supervisor/commands.h"

#include <fmt/format.h>

#include <array>
#include <span>

#include "supervisor/doctor.h"
#include "supervisor/remote_commands.h"
#include "supervisor/selftest.h"
#include "supervisor/selftest_probe.h"

namespace oneloop {
namespace {

std::span<const CommandEntry> commands() {
    static constexpr std::array table = {
        CommandEntry{"status", "what runs here, since when and why; --json", status_command},
        CommandEntry{"ps", "every process of every instance of yours, as a tree", ps_command},
        CommandEntry{"why", "why the last restart happened", why_command},
        CommandEntry{"restart", "stop the worker and start the next one", restart_command},
        CommandEntry{"reload",
                     "restart if the check has no objection, and wait for the next worker",
                     reload_command},
        CommandEntry{"pause", "note changes, restart for none of them", pause_command},
        CommandEntry{"resume", "end the pause; restart once if something changed", resume_command},
        CommandEntry{"stop", "stop worker and supervisor, and wait for it", stop_command},
        CommandEntry{"clean", "remove the state of instances that are no more", clean_command},
        CommandEntry{"doctor", "what holds on this machine, and what else runs COMMAND",
                     run_doctor},
        CommandEntry{"selftest", "kill it at random, and see that it keeps its promises",
                     run_selftest},
        // What the selftest starts; without a summary, so that --help does not show them.
        CommandEntry{selftest_probe_mode, "", selftest_probe},
        CommandEntry{selftest_escapee_mode, "", selftest_escapee},
        CommandEntry{selftest_control_mode, "", selftest_control},
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

std::vector<CommandInfo> visible_commands() {
    std::vector<CommandInfo> visible;
    for (const auto& command : commands()) {
        if (command.summary.empty()) continue;
        visible.push_back({std::string(command.name), std::string(command.summary)});
    }
    return visible;
}

std::string describe_commands() {
    std::string text;
    for (const auto& command : visible_commands())
        text += fmt::format("  supervisor {:<28}{}\n", command.name, command.about);
    return text;
}

}  // namespace oneloop
