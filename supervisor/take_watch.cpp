// The part of tree_reader that gets a watch on a directory, or decides that it is to be polled.
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "common/duration.h"
#include "common/read_text.h"
#include "common/unique_fd.h"
#include "supervisor/tree_reader.h"

namespace oneloop {
namespace {

// CREATE for directories and links; a new regular file counts when it is closed. Not MODIFY (the
// close follows) and not ATTRIB (chmod changes no byte).
constexpr std::uint32_t interesting = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO |
                                      IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_EXCL_UNLINK;

// The command that raises this limit; `enough` says to what.
std::string to_raise(const std::string& name, std::uint64_t (*enough)(std::uint64_t now)) {
    const std::string now = read_text("/proc/sys/fs/inotify/" + name);
    return fmt::format("sudo sysctl fs.inotify.{}={}", name,
                       enough(std::strtoull(now.c_str(), nullptr, 10)));
}

std::string more_watches() {
    return to_raise("max_user_watches", enough_watches);
}

// inotify(7): the same error says that the process may open nothing more, which is no matter of
// inotify.
std::string more_instances() {
    if (!UniqueFd(::open("/", O_PATH | O_CLOEXEC))) return "";
    return to_raise("max_user_instances", enough_instances);
}

}  // namespace

int open_inotify(const PollOptions& how, const FileWatcher::Events& events) {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd >= 0) return fd;
    const int error = errno;
    const std::string remedy = error == EMFILE ? more_instances() : "";
    if (how.when == PollOptions::When::never || remedy.empty()) {
        throw WatchError(fmt::format("inotify: {}{}", std::strerror(error),
                                     remedy.empty() ? "" : " (" + remedy + ")"));
    }
    if (how.when == PollOptions::When::automatic) {
        events.warning(fmt::format("all inotify instances are in use; polling every {} ({})",
                                   format_every(how), remedy));
    }
    return -1;
}

std::string format_every(const PollOptions& polling) {
    return format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(polling.every));
}

std::string watch_problem(const std::string& path, int error) {
    if (error == ENOSPC) {
        return fmt::format("cannot watch {}: all inotify watches are in use ({})", path,
                           more_watches());
    }
    return fmt::format("cannot watch {}: {}", path, std::strerror(error));
}

std::uint32_t watch_mask() {
    return interesting | IN_ONLYDIR;
}

int TreeReader::add_watch(const std::string& path) const {
    return ::inotify_add_watch(inotify_, path.c_str(), watch_mask());
}

void TreeReader::end_watch(int wd) const {
    if (!tree_.nodes.contains(wd) && !linked_.watches(wd)) ::inotify_rm_watch(inotify_, wd);
}

// With --no-poll nobody wants to know.
void TreeReader::want_test(int wd, bool root) {
    if (polling_.when != PollOptions::When::automatic || !file_system_) return;
    if (tested_.insert(*file_system_).second || root) untested_.push_back(wd);
}

void TreeReader::poll_below(const std::vector<int>& silent) {
    for (const int wd : silent) {
        if (!tree_.nodes.contains(wd) || !silent_.insert(wd).second) continue;
        events_.warning(fmt::format("{}: its watch tells nothing, polling every {}", tree_.full(wd),
                                    format_every(polling_)));
    }
}

bool TreeReader::looked_at(int wd) const {
    if (is_polled(wd)) return true;
    if (silent_.empty()) return false;
    for (int at = wd; at >= 0; at = tree_.nodes.at(at).parent) {
        if (silent_.contains(at)) return true;
    }
    return false;
}

// With its directories all of it is: what is mounted further down is not looked for.
std::string TreeReader::why_polled(const std::string& path) {
    file_system_.reset();
    if (polling_.when == PollOptions::When::always || inotify_ < 0) return "--poll";
    if (polling_.when == PollOptions::When::never) return "";
    struct statfs info {};
    if (::statfs(path.c_str(), &info) != 0) return "";
    std::int64_t id = 0;
    static_assert(sizeof info.f_fsid == sizeof id);
    std::memcpy(&id, &info.f_fsid, sizeof id);
    file_system_ = {info.f_type, id};
    const auto silent = silent_file_system(info.f_type);
    return silent ? "is on " + *silent + ": no change events there" : "";
}

int TreeReader::take_watch(const std::string& path, int parent) {
    const std::string every = format_every(polling_);
    std::string reason = is_polled(parent) ? "its parent" : why_polled(path);
    if (reason.empty()) {
        const int wd = add_watch(path);
        if (wd >= 0) want_test(wd, parent < 0);
        if (wd >= 0 || errno != ENOSPC || polling_.when == PollOptions::When::never) return wd;
        if (!said_exhausted_) {
            events_.warning(fmt::format("all inotify watches are in use; polling {} every {} ({})",
                                        path, every, more_watches()));
        }
        said_exhausted_ = true;
    } else if (!is_polled(parent) && reason != "--poll") {
        events_.warning(fmt::format("{} {}, polling every {}", path, reason, every));
    }
    if (::access(path.c_str(), R_OK | X_OK) != 0) return -1;
    return next_polled_++;
}

}  // namespace oneloop
