#include "supervisor/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <sstream>

#include "common/read_text.h"
#include "supervisor/descendants.h"

namespace oneloop {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

std::string base_of(pid_t pid) {
    return "/proc/" + std::to_string(pid);
}

// Each thread has children of its own: proc(5), /proc/pid/task/tid/children.
std::vector<pid_t> children(pid_t pid) {
    const std::string base = base_of(pid) + "/task";
    const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(base.c_str()));
    std::vector<pid_t> result;
    while (const dirent* thread = directory ? ::readdir(directory.get()) : nullptr) {
        if (thread->d_name[0] == '.') continue;
        const std::string path = base + "/" + thread->d_name + "/children";
        if (::access(path.c_str(), R_OK) != 0) return children_of(pid);  // not in every kernel
        std::istringstream pids(read_text(path));
        for (pid_t child = 0; pids >> child;)
            result.push_back(child);
    }
    std::sort(result.begin(), result.end());
    return result;
}

// "Pss:   123 kB" as bytes.
std::optional<std::uint64_t> field(const std::string& text, const std::string& name) {
    const auto at = ("\n" + text).find("\n" + name + ":");
    if (at == std::string::npos) return std::nullopt;
    return 1024 * std::strtoull(text.c_str() + at + name.size() + 1, nullptr, 10);
}

double uptime() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);  // what start times in stat count in
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// proc(5): "pid (name) state …", the start in clock ticks is field 22. The name may hold anything.
bool read_stat(const std::string& base, TreeProcess& process, std::string& name) {
    const std::string text = read_text(base + "/stat");
    const auto open = text.find('(');
    const auto close = text.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open) return false;
    name = text.substr(open + 1, close - open - 1);
    std::istringstream words(text.substr(close + 1));
    std::string skipped;
    for (int number = 3; number < 22; ++number)
        words >> skipped;
    double start = 0;
    if (!(words >> start)) return false;
    process.age = std::max(0.0, uptime() - start / static_cast<double>(::sysconf(_SC_CLK_TCK)));
    return true;
}

std::optional<TreeProcess> read_one(pid_t pid, int depth) {
    const std::string base = base_of(pid);
    TreeProcess process;
    process.pid = pid;
    process.depth = depth;
    std::string name;
    if (!read_stat(base, process, name)) return std::nullopt;
    std::string command = read_text(base + "/cmdline");
    while (!command.empty() && command.back() == '\0')
        command.pop_back();
    // Control characters of a stranger's arguments have no business on a terminal.
    for (char& c : command) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
    }
    process.warden = command.starts_with("oneloop-warden");
    process.command = command.empty() ? "[" + name + "]" : command;
    process.rss = field(read_text(base + "/status"), "VmRSS").value_or(0);
    process.pss = field(read_text(base + "/smaps_rollup"), "Pss");
    return process;
}

void read_below(pid_t pid, int depth, std::vector<TreeProcess>& result) {
    constexpr int deepest = 64;  // what is deeper is a fork bomb, and nothing to look at
    auto process = read_one(pid, depth);
    if (!process) return;
    result.push_back(std::move(*process));
    if (depth >= deepest) return;
    for (const pid_t child : children(pid))
        read_below(child, depth + 1, result);
}

}  // namespace

std::vector<TreeProcess> read_tree(pid_t root) {
    std::vector<TreeProcess> result;
    read_below(root, 0, result);
    return result;
}

}  // namespace oneloop
