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

std::string more_watches() {
    const std::string now = read_text("/proc/sys/fs/inotify/max_user_watches");
    return fmt::format("sudo sysctl fs.inotify.max_user_watches={}",
                       enough_watches(std::strtoull(now.c_str(), nullptr, 10)));
}

}  // namespace

// inotify(7): the same error says that the process may open nothing more, which is no matter of
// inotify.
std::string more_instances() {
    if (!UniqueFd(::open("/", O_PATH | O_CLOEXEC))) return "";
    const std::string now = read_text("/proc/sys/fs/inotify/max_user_instances");
    return fmt::format("sudo sysctl fs.inotify.max_user_instances={}",
                       enough_instances(std::strtoull(now.c_str(), nullptr, 10)));
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

int TreeReader::add_watch(const std::string& path) const {
    return ::inotify_add_watch(inotify_, path.c_str(), interesting | IN_ONLYDIR);
}

// With its directories all of it is: what is mounted further down is not looked for.
std::string TreeReader::why_polled(const std::string& path) const {
    if (polling_.when == PollOptions::When::always || inotify_ < 0) return "--poll";
    if (polling_.when == PollOptions::When::never) return "";
    struct statfs info {};
    if (::statfs(path.c_str(), &info) != 0) return "";
    const auto silent = silent_file_system(info.f_type);
    return silent ? "is on " + *silent + ": no change events there" : "";
}

int TreeReader::take_watch(const std::string& path, int parent) {
    const std::string every = format_every(polling_);
    std::string reason = is_polled(parent) ? "its parent" : why_polled(path);
    if (reason.empty()) {
        const int wd = add_watch(path);
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
