#include "supervisor/descendants.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace oneloop {
namespace {

struct CloseFile {
    void operator()(FILE* file) const { std::fclose(file); }
};
struct CloseDirectory {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

// Field 4 of /proc/PID/stat; the command in field 2 may itself hold parentheses and spaces.
pid_t parent_of(pid_t pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/stat";
    const std::unique_ptr<FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
    if (!file) return -1;
    std::string text(512, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    const auto after = text.rfind(')');
    int parent = -1;
    char state = 0;
    if (after == std::string::npos ||
        std::sscanf(text.c_str() + after + 1, " %c %d", &state, &parent) != 2) {
        return -1;
    }
    return parent;
}

std::vector<pid_t> scan(pid_t parent) {
    std::vector<pid_t> children;
    const std::unique_ptr<DIR, CloseDirectory> proc(::opendir("/proc"));
    if (!proc) return children;
    while (const dirent* entry = ::readdir(proc.get())) {
        const pid_t pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
        if (pid > 0 && parent_of(pid) == parent) children.push_back(pid);
    }
    return children;
}

}  // namespace

std::vector<pid_t> children_of(pid_t parent) {
    const std::string self = std::to_string(parent);
    const std::string path = "/proc/" + self + "/task/" + self + "/children";
    const std::unique_ptr<FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
    if (!file) return scan(parent);
    std::vector<pid_t> children;
    int pid = 0;
    while (std::fscanf(file.get(), "%d", &pid) == 1)
        children.push_back(pid);
    return children;
}

std::vector<pid_t> direct_children() {
    return children_of(::getpid());
}

std::size_t signal_children(int signal, const std::vector<pid_t>& except) {
    std::size_t count = 0;
    for (const pid_t pid : direct_children()) {
        if (std::find(except.begin(), except.end(), pid) != except.end()) continue;
        ::kill(pid, signal);
        ++count;
    }
    return count;
}

}  // namespace oneloop
