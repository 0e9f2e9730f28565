#include "tests/support/kin.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "tests/support/process.h"

namespace oneloop::test {
namespace {

// Pid, state, name and parent. The name may itself hold parentheses and spaces.
std::pair<Kin, pid_t> read_stat(const std::string& path) {
    const std::string text = read_file(path);
    const auto open = text.find('(');
    const auto close = text.rfind(')');
    if (open == std::string::npos || close == std::string::npos) return {};
    Kin kin{std::atoi(text.c_str()), 0, text.substr(open + 1, close - open - 1)};
    std::istringstream rest(text.substr(close + 1));
    pid_t parent = 0;
    rest >> kin.state >> parent;
    return {kin, parent};
}

}  // namespace

std::vector<Kin> children_of(pid_t parent) {
    std::vector<Kin> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        if (std::atoi(entry.path().filename().c_str()) <= 0) continue;
        const auto [kin, above] = read_stat(entry.path() / "stat");
        if (kin.pid > 0 && above == parent) found.push_back(kin);
    }
    return found;
}

std::size_t zombies_of(pid_t parent) {
    const auto all = children_of(parent);
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [](const Kin& kin) { return kin.state == 'Z'; }));
}

char state_of(pid_t pid) {
    return read_stat("/proc/" + std::to_string(pid) + "/stat").first.state;
}

}  // namespace oneloop::test
