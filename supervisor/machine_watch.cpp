#include <dirent.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "common/unique_fd.h"
#include "supervisor/machine.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;

// Below these a usual project does not fit beside what an editor and a desktop take.
constexpr long spare_instances = 8;
constexpr long spare_watches = 8192;
constexpr long usual_queue = 16384;

struct Use {
    long instances = 0;
    long watches = 0;
};

long limit(const char* name) {
    std::ifstream file(std::string("/proc/sys/fs/inotify/") + name);
    long value = -1;
    file >> value;
    return value;
}

// Of this user, whose the limits are: inotify(7). One line "inotify wd:…" a watch: proc(5), fdinfo.
Use inotify_use() {
    Use use;
    std::error_code ignored;
    for (const auto& process : fs::directory_iterator("/proc", ignored)) {
        struct stat info {};
        if (::stat(process.path().c_str(), &info) != 0 || info.st_uid != ::geteuid()) continue;
        std::error_code closed;
        for (fs::directory_iterator fd(process.path() / "fd", closed), end; !closed && fd != end;
             fd.increment(closed)) {
            std::error_code gone;
            if (fs::read_symlink(fd->path(), gone) != "anon_inode:inotify") continue;
            ++use.instances;
            std::ifstream details(process.path() / "fdinfo" / fd->path().filename());
            for (std::string line; std::getline(details, line);) {
                if (line.starts_with("inotify ")) ++use.watches;
            }
        }
    }
    return use;
}

// `few`: what can't be had when less than `spare` of the limit is left. `at_least`: what to raise
// it to.
MachineLine limit_line(const std::string& what, long used, long spare, long at_least,
                       const std::string& few) {
    const std::string sysctl = "max_user_" + what;
    const long most = limit(sysctl.c_str());
    MachineLine line{"I4", Standing::holds, "inotify " + what,
                     fmt::format("{} of {} in use", used, most), ""};
    if (most - used < spare) {
        line.standing = Standing::weaker;
        line.detail += ": " + few;
        line.way_out =
            fmt::format("sudo sysctl fs.inotify.{}={}", sysctl, std::max(at_least, 2 * most));
    }
    return line;
}

MachineLine queue_line() {
    const long most = limit("max_queued_events");
    MachineLine line{"I4", Standing::holds, "inotify queue", fmt::format("{} events", most), ""};
    if (most < usual_queue) {
        line.standing = Standing::weaker;
        line.detail +=
            ": a big checkout overflows it; no edit is lost then, but all trees are "
            "read again, which takes longer";
        line.way_out = fmt::format("sudo sysctl fs.inotify.max_queued_events={}", usual_queue);
    }
    return line;
}

// File systems that others change too: inotify(7), "does not report … network filesystems".
const char* shared_file_system(const std::string& path) {
    struct statfs info {};
    if (::statfs(path.c_str(), &info) != 0) return nullptr;
    switch (static_cast<unsigned long>(info.f_type) & 0xFFFFFFFFUL) {
        case NFS_SUPER_MAGIC:
            return "NFS";
        case 0xFF534D42:  // CIFS
        case 0xFE534D42:  // SMB2
            return "SMB";
        case 0x01021997:
            return "9p";
        case 0x65735546:
            return "FUSE";
        case 0x00C36400:
            return "Ceph";
        case 0x786F4256:
            return "vboxsf";
        default:
            return nullptr;
    }
}

MachineLine file_system_line(const std::string& path) {
    const std::string name = path == "." ? "this directory" : path;
    if (const char* type = shared_file_system(path)) {
        return {"I4", Standing::weaker, "file system of " + name,
                fmt::format("{}: edits made on another machine (or outside this container) are "
                            "not noticed",
                            type),
                "edit and run on the same machine"};
    }
    return {"I4", Standing::holds, "file system of " + name, "every edit is reported", ""};
}

MachineLine start_line() {
    const UniqueFd fd(::inotify_init1(IN_CLOEXEC));
    const int error = errno;
    if (fd && ::inotify_add_watch(fd.get(), ".", IN_MODIFY) >= 0) {
        return {"I4", Standing::holds, "inotify", "tried: this directory can be watched", ""};
    }
    return {"I4", Standing::weaker, "inotify",
            fmt::format("{}: --watch does not start", std::strerror(fd ? errno : error)), ""};
}

}  // namespace

void examine_watches(const Options& options, std::vector<MachineLine>& lines) {
    lines.push_back(start_line());
    const Use use = inotify_use();
    lines.push_back(limit_line("instances", use.instances, spare_instances, 1024,
                               "soon nothing more can be watched, and --watch does not start"));
    lines.push_back(limit_line("watches", use.watches, spare_watches, 524288,
                               "a tree with more directories than are left can't be watched"));
    lines.push_back(queue_line());
    if (options.watch_paths.empty()) lines.push_back(file_system_line("."));
    for (const auto& path : options.watch_paths)
        lines.push_back(file_system_line(path));
}

}  // namespace oneloop
