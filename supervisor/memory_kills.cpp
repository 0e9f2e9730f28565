#include "supervisor/memory_kills.h"

#include <signal.h>
#include <unistd.h>

#include <sstream>

#include "common/read_text.h"

namespace oneloop {

std::optional<std::uint64_t> counter(const std::string& text, const std::string& name) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string word;
        std::uint64_t number = 0;
        if (words >> word >> number && word == name) return number;
    }
    return std::nullopt;
}

void MemoryKills::started(pid_t worker) {
    if (!cgroups_) cgroups_.emplace();
    file_ = cgroups_->directory(worker, "") + "/memory.events";
    // Without the controller in version 2 it may be one of version 1.
    if (::access(file_.c_str(), R_OK) != 0) {
        file_ = cgroups_->directory(worker, "memory") + "/memory.oom_control";
    }
    before_ = counts();
}

WorkerEnd MemoryKills::explain(const WorkerEnd& end) const {
    const auto* exited = std::get_if<Exited>(&end);
    if (!exited || exited->status.signal != SIGKILL) return end;
    return Exited{exited->status, since_start()};
}

// For people: "out of memory: …"; empty: it was not that.
std::string MemoryKills::since_start() const {
    const auto grew = [](const auto& before, const auto& now) {
        return before && now && *now > *before;
    };
    const Counts now = counts();
    if (grew(before_.group, now.group)) return "out of memory: the limit of its control group";
    if (grew(before_.machine, now.machine)) return "out of memory: the machine had none left";
    return "";
}

MemoryKills::Counts MemoryKills::counts() const {
    return {counter(read_text(file_), "oom_kill"), counter(read_text("/proc/vmstat"), "oom_kill")};
}

}  // namespace oneloop
