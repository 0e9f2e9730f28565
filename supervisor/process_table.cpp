#include "supervisor/process_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <sstream>

#include "common/flag.h"
#include "common/read_text.h"
#include "common/unique_fd.h"

namespace oneloop {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

std::string read_link(const std::string& path) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : "";
}

std::vector<std::string> split_at_nul(const std::string& text) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\0', at), text.size());
        parts.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

// The kernel's device numbers: proc(5), field 7 of stat; Documentation/admin-guide/devices.txt.
std::string terminal_name(unsigned device) {
    const unsigned major = ::gnu_dev_major(device);
    const unsigned minor = ::gnu_dev_minor(device);
    if (device == 0) return "";
    if (major >= 136 && major <= 143) return "pts/" + std::to_string((major - 136) * 256 + minor);
    if (major == 4 && minor < 64) return "tty" + std::to_string(minor);
    if (major == 4) return "ttyS" + std::to_string(minor - 64);
    return std::to_string(major) + ":" + std::to_string(minor);
}

// pid (name) state ppid pgrp session tty_nr …; the name may hold blanks and parentheses itself.
bool read_stat(const std::string& base, ProcessRecord& record) {
    const std::string text = read_text(base + "/stat");
    const auto after = text.rfind(')');
    if (after == std::string::npos) return false;
    std::istringstream words(text.substr(after + 1));
    long skip = 0;
    unsigned terminal = 0;
    words >> record.state >> record.parent >> skip >> skip >> terminal;
    for (int field = 8; field < 22; ++field)
        words >> skip;
    words >> record.start;
    record.terminal = terminal_name(terminal);
    return !words.fail();
}

bool read_uid(const std::string& base, ProcessRecord& record) {
    const std::string text = read_text(base + "/status");
    const auto at = text.find("\nUid:");
    if (at == std::string::npos) return false;
    record.uid = static_cast<unsigned>(std::strtoul(text.c_str() + at + 5, nullptr, 10));
    return true;
}

void read_descriptors(const std::string& base, const Listeners& listeners, ProcessRecord& record) {
    const std::string suffix = std::string("/") + flag::supervisor_lock_name;
    const std::unique_ptr<DIR, CloseDirectory> directory(::opendir((base + "/fd").c_str()));
    std::set<std::string> holds;
    while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
        const std::string target = read_link(base + "/fd/" + entry->d_name);
        if (target.ends_with(suffix)) record.supervisor = true;
        if (!target.starts_with("socket:[")) continue;
        const auto listener = listeners.find(std::strtoull(target.c_str() + 8, nullptr, 10));
        if (listener != listeners.end()) holds.insert(listener->second.address);
    }
    record.holds.assign(holds.begin(), holds.end());
}

FileId file_seen_from(const std::string& base, const std::string& name) {
    if (name.empty() || name[0] == '-') return {};
    return file_id(base + (name[0] == '/' ? "/root" : "/cwd/") + name);
}

// A process whose parent ended while we read has a new one; one whose parent is younger than the
// list of pids has one we have not read. Both would look as if nobody kept them.
void complete(std::vector<ProcessRecord>& processes, const Listeners& listeners) {
    std::set<int> known;
    for (const auto& process : processes)
        known.insert(process.pid);
    for (std::size_t i = 0; i < processes.size(); ++i) {  // grows while we go
        if (processes[i].parent <= 0 || known.contains(processes[i].parent)) continue;
        if (auto again = read_process(processes[i].pid, listeners)) processes[i] = *again;
        const int parent = processes[i].parent;
        if (parent <= 0 || known.contains(parent)) continue;
        if (auto above = read_process(parent, listeners)) {
            known.insert(parent);
            processes.push_back(std::move(*above));
        }
    }
}

std::string find_in_path(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    const char* path = ::getenv("PATH");
    std::istringstream directories(path ? path : "/bin:/usr/bin");  // execvp(3)
    std::string directory;
    while (std::getline(directories, directory, ':')) {
        const std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
        struct stat info {};
        if (::access(candidate.c_str(), X_OK) == 0 && ::stat(candidate.c_str(), &info) == 0 &&
            S_ISREG(info.st_mode)) {
            return candidate;
        }
    }
    return "";
}

// "#!/usr/bin/python3 -u", "#!/usr/bin/env python3", "#!/usr/bin/env -S python3 -u"
std::string interpreter_of(const std::string& first_line) {
    std::istringstream words(first_line.substr(2));
    std::string word;
    words >> word;
    if (!word.ends_with("/env")) return word;
    while (words >> word) {
        if (word[0] != '-' && word.find('=') == std::string::npos) return find_in_path(word);
    }
    return "";
}

std::string first_line(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 256> text{};  // BINPRM_BUF_SIZE: what execve(2) looks at
    const ssize_t size = fd ? ::read(fd.get(), text.data(), text.size()) : 0;
    const std::string line(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return line.substr(0, line.find('\n'));
}

}  // namespace

FileId file_id(const std::string& path) {
    struct stat info {};
    if (path.empty() || ::stat(path.c_str(), &info) != 0) return {};
    return {info.st_dev, info.st_ino};
}

std::optional<ProcessRecord> read_process(int pid, const Listeners& listeners) {
    const std::string base = "/proc/" + std::to_string(pid);
    ProcessRecord record;
    record.pid = pid;
    if (!read_stat(base, record) || !read_uid(base, record)) return std::nullopt;
    record.arguments = split_at_nul(read_text(base + "/cmdline"));
    // From here on what only the owner and root may see; it stays unknown for others.
    record.program_path = read_link(base + "/exe");
    record.program = file_id(base + "/exe");
    record.directory_path = read_link(base + "/cwd");
    record.directory = file_id(base + "/cwd");
    if (!record.program_path.empty()) {
        for (std::size_t i = 1; i < std::min<std::size_t>(record.arguments.size(), 3); ++i)
            record.scripts.push_back(file_seen_from(base, record.arguments[i]));
        const std::string tag = std::string(flag::instance) + "=";
        const auto environment = split_at_nul(read_text(base + "/environ"));
        record.tagged = std::any_of(environment.begin(), environment.end(),
                                    [&](const auto& one) { return one.starts_with(tag); });
        read_descriptors(base, listeners, record);
    }
    return record;
}

std::vector<ProcessRecord> read_processes(const Listeners& listeners) {
    std::vector<ProcessRecord> processes;
    const std::unique_ptr<DIR, CloseDirectory> proc(::opendir("/proc"));
    while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
        const long pid = std::strtol(entry->d_name, nullptr, 10);
        if (pid <= 0) continue;
        if (auto process = read_process(static_cast<int>(pid), listeners)) {
            processes.push_back(std::move(*process));
        }
    }
    complete(processes, listeners);
    return processes;
}

Wanted resolve_wanted(const std::vector<std::string>& command) {
    Wanted wanted;
    wanted.self = ::getpid();
    wanted.uid = ::getuid();
    wanted.command = command;
    wanted.directory = file_id(".");
    wanted.directory_path = read_link("/proc/self/cwd");
    if (command.empty()) return wanted;
    const std::string path = find_in_path(command[0]);
    wanted.program = file_id(path);
    if (const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr),
                                                          std::free);
        real) {
        wanted.program_path = real.get();
    }
    if (const std::string line = first_line(path); line.starts_with("#!")) {
        wanted.script = true;
        wanted.interpreter = file_id(interpreter_of(line));
    }
    return wanted;
}

double age_seconds(const ProcessRecord& process) {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);  // what stat's start time counts in
    const double since_boot =
        static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
    const double start =
        static_cast<double>(process.start) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    return std::max(0.0, since_boot - start);
}

}  // namespace oneloop
