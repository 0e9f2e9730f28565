#include "common/port_holder.h"

#include <dirent.h>
#include <fmt/format.h>
#include <limits.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace oneloop {
namespace {

namespace fs = std::filesystem;

// Inodes of the sockets that listen on `port`. Columns of /proc/net/tcp: proc(5).
std::set<std::string> listening_inodes(int port) {
    std::set<std::string> inodes;
    const std::string wanted = fmt::format(":{:04X}", port);
    for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file(table);
        std::string line;
        while (std::getline(file, line)) {
            std::istringstream words(line);
            std::string slot, local, remote, state, skip, inode;
            words >> slot >> local >> remote >> state;
            for (int i = 0; i < 5; ++i)
                words >> skip;
            words >> inode;
            if (state == "0A" && local.ends_with(wanted)) inodes.insert("socket:[" + inode + "]");
        }
    }
    return inodes;
}

std::string command_of(const fs::path& process) {
    std::ifstream file(process / "cmdline", std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    while (!text.empty() && text.back() == '\0')
        text.pop_back();
    for (char& c : text) {
        if (c == '\0') c = ' ';
    }
    constexpr std::size_t enough = 120;
    if (text.size() > enough) text = text.substr(0, enough) + "...";
    return text;
}

}  // namespace

std::optional<PortHolder> find_port_holder(int port) {
    const auto inodes = listening_inodes(port);
    if (inodes.empty()) return std::nullopt;
    std::error_code ignored;
    for (const auto& process : fs::directory_iterator("/proc", ignored)) {
        const pid_t pid = std::atoi(process.path().filename().c_str());
        if (pid <= 0) continue;
        std::error_code closed;  // it ended, or belongs to somebody else
        for (fs::directory_iterator fd(process.path() / "fd", closed), end; !closed && fd != end;
             fd.increment(closed)) {
            std::array<char, PATH_MAX> target{};
            const ssize_t size = ::readlink(fd->path().c_str(), target.data(), target.size());
            if (size > 0 &&
                inodes.contains(std::string(target.data(), static_cast<std::size_t>(size)))) {
                return PortHolder{pid, command_of(process.path())};
            }
        }
    }
    return std::nullopt;
}

std::string describe_port_holder(int port) {
    const auto holder = find_port_holder(port);
    // In a PID namespace, or another user's: /proc does not show it.
    if (!holder) return " (by whom can't be seen from here)";
    return fmt::format(" (held by pid {}: {}; end it with: kill {})", holder->pid, holder->command,
                       holder->pid);
}

}  // namespace oneloop
