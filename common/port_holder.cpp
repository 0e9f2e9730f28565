#include "common/port_holder.h"

#include <fmt/format.h>
#include <limits.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <set>
#include <sstream>

#include "common/open_files.h"
#include "common/read_text.h"

namespace oneloop {
namespace {

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

std::string command_of(pid_t pid) {
    std::string text = read_text("/proc/" + std::to_string(pid) + "/cmdline");
    while (!text.empty() && text.back() == '\0')
        text.pop_back();
    for (char& c : text) {
        if (c == '\0') c = ' ';
    }
    constexpr std::size_t enough = 120;
    if (text.size() > enough) text = text.substr(0, enough) + "...";
    return text;
}

std::optional<PortHolder> who_has(const std::set<std::string>& inodes) {
    if (inodes.empty()) return std::nullopt;
    for (const pid_t pid : all_pids()) {
        const bool holds = has_open(pid, [&](const std::string& entry) {
            std::array<char, PATH_MAX> target{};
            const ssize_t size = ::readlink(entry.c_str(), target.data(), target.size());
            return size > 0 &&
                   inodes.contains(std::string(target.data(), static_cast<std::size_t>(size)));
        });
        if (holds) return PortHolder{pid, command_of(pid)};
    }
    return std::nullopt;
}

std::string describe(const std::optional<PortHolder>& holder) {
    // In a PID namespace, or another user's: /proc does not show it.
    if (!holder) return " (by whom can't be seen from here)";
    return fmt::format(" (held by pid {}: {}; end it with: kill {})", holder->pid, holder->command,
                       holder->pid);
}

}  // namespace

std::optional<PortHolder> find_port_holder(int port) {
    return who_has(listening_inodes(port));
}

std::vector<std::uint64_t> listening_at(const std::string& path) {
    // "Num RefCount Protocol Flags Type St Inode Path"; the flag is __SO_ACCEPTCON of linux/net.h.
    std::vector<std::uint64_t> inodes;
    std::ifstream file("/proc/net/unix");
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string number, references, protocol, flags, type, state, bound;
        std::uint64_t inode = 0;
        words >> number >> references >> protocol >> flags >> type >> state >> inode >> std::ws;
        std::getline(words, bound);
        constexpr unsigned long listens = 1UL << 16;
        if (bound == path && (std::strtoul(flags.c_str(), nullptr, 16) & listens) != 0) {
            inodes.push_back(inode);
        }
    }
    return inodes;
}

std::string describe_port_holder(int port) {
    return describe(find_port_holder(port));
}

std::string describe_path_holder(const std::string& path) {
    std::set<std::string> inodes;
    for (const auto inode : listening_at(path))
        inodes.insert(fmt::format("socket:[{}]", inode));
    return describe(who_has(inodes));
}

}  // namespace oneloop
