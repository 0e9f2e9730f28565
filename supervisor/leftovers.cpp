#include "supervisor/leftovers.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>

namespace oneloop {
namespace {

constexpr std::string_view warden_name = "oneloop-warden";  // its argv[0], see child.cpp

const ProcessRecord* find(const std::vector<ProcessRecord>& processes, int pid) {
    const auto at = std::find_if(processes.begin(), processes.end(),
                                 [&](const auto& process) { return process.pid == pid; });
    return at == processes.end() ? nullptr : &*at;
}

std::string_view base_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

bool keeps_workers(const ProcessRecord& process) {
    return process.supervisor ||
           (!process.arguments.empty() && process.arguments[0] == warden_name);
}

// Only text: Werkzeug's child has its script's absolute name where its parent has what was typed.
bool same_argument(const std::string& wanted, const std::string& found,
                   const std::string& directory) {
    if (wanted == found) return true;
    if (wanted.empty() || wanted[0] == '-' || found.empty() || found[0] != '/') return false;
    return (std::filesystem::path(directory) / wanted).lexically_normal() == found;
}

// The arguments of `process` from `first` on are those of the command.
bool same_arguments(const ProcessRecord& process, std::size_t first, const Wanted& wanted) {
    if (process.arguments.size() < first ||
        process.arguments.size() - first != wanted.command.size() - 1) {
        return false;
    }
    for (std::size_t i = 1; i < wanted.command.size(); ++i) {
        if (!same_argument(wanted.command[i], process.arguments[first + i - 1],
                           wanted.directory_path)) {
            return false;
        }
    }
    return true;
}

bool same_command(const ProcessRecord& process, const Wanted& wanted) {
    if (wanted.command.empty() || process.arguments.empty()) return false;
    if (process.program.same(wanted.program)) return same_arguments(process, 1, wanted);
    const bool same_name = base_name(process.arguments[0]) == base_name(wanted.command[0]) &&
                           same_arguments(process, 1, wanted);
    // The program was upgraded while it ran: the kernel still knows what it was called.
    if (process.program_path == wanted.program_path + " (deleted)") return same_name;
    if (!wanted.script) return false;
    // execve(2): INTERPRETER [ARGUMENT] SCRIPT ARGUMENTS…. The interpreter has to be the right one:
    // an editor that has the script open has the same arguments.
    for (std::size_t i = 0; i < process.scripts.size(); ++i) {
        if (process.scripts[i].same(wanted.program) && process.program.same(wanted.interpreter) &&
            same_arguments(process, i + 2, wanted)) {
            return true;
        }
    }
    // A shim (pyenv, asdf): a script that looks for the real program and becomes it.
    return same_name;
}

// Of `pid`, nearest first. `complete` is false when one of them can't be seen.
std::vector<const ProcessRecord*> ancestors(const ProcessRecord& process,
                                            const std::vector<ProcessRecord>& processes,
                                            bool& complete) {
    std::vector<const ProcessRecord*> result;
    std::set<int> seen = {process.pid};  // a table is read while it changes: it may have a ring
    complete = true;
    for (int parent = process.parent; parent > 0 && seen.insert(parent).second;) {
        const ProcessRecord* above = find(processes, parent);
        if (!above) {
            complete = false;
            break;
        }
        result.push_back(above);
        parent = above->parent;
    }
    return result;
}

std::vector<std::string> reasons_to_list(const ProcessRecord& process, const Wanted& wanted) {
    std::vector<std::string> reasons;
    for (const auto& address : process.holds)
        reasons.push_back("holds " + address);
    if (process.directory.same(wanted.directory) && same_command(process, wanted)) {
        reasons.emplace_back("same program, arguments and directory");
    }
    if (!reasons.empty() && process.tagged) {
        reasons.emplace_back("was started by a supervisor that is gone");
    }
    return reasons;
}

}  // namespace

bool is_owned(const ProcessRecord& process, const std::vector<ProcessRecord>& processes) {
    if (keeps_workers(process)) return true;
    bool complete = true;
    for (const ProcessRecord* above : ancestors(process, processes, complete)) {
        if (keeps_workers(*above)) return true;
    }
    return process.tagged && !complete;
}

std::vector<Finding> find_leftovers(const std::vector<ProcessRecord>& processes,
                                    const Wanted& wanted) {
    std::set<int> ours = {wanted.self};
    if (const ProcessRecord* self = find(processes, wanted.self)) {
        bool complete = true;
        for (const ProcessRecord* above : ancestors(*self, processes, complete))
            ours.insert(above->pid);
    }
    std::vector<Finding> findings;
    for (const auto& process : processes) {
        if (process.uid != wanted.uid || ours.contains(process.pid)) continue;
        if (process.state == 'Z' || process.state == 'X') continue;  // nothing left to end
        auto reasons = reasons_to_list(process, wanted);
        if (reasons.empty() || is_owned(process, processes)) continue;
        findings.push_back({process, std::move(reasons)});
    }
    std::sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
        return std::pair(a.process.start, a.process.pid) <
               std::pair(b.process.start, b.process.pid);
    });
    return findings;
}

std::optional<std::string> why_not_same(const ProcessRecord& listed, const ProcessRecord& now) {
    if (now.pid != listed.pid) return "it is another pid";
    if (now.start != listed.start) {
        return "the pid belongs to another process now, which started at another time";
    }
    if (now.uid != listed.uid) return "it belongs to another user now";
    if (!now.program.same(listed.program)) return "it runs another program now";
    if (now.arguments != listed.arguments) return "it has other arguments now";
    return std::nullopt;
}

}  // namespace oneloop
