// The part of tree_reader that waits for roots that are gone: deleted and made again, moved away,
// unmounted, mounted over.
#include <errno.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "supervisor/tree_reader.h"

namespace oneloop {

namespace fs = std::filesystem;

void TreeReader::root_gone(int wd) {
    std::vector<std::string> paths;
    bool any = false;
    for (auto& root : roots_) {
        if (root.wd != wd) continue;
        root.wd = -1;
        any = true;
        // A program that is being rebuilt may be gone with its directory.
        if (!root.program) paths.push_back(root.path);
    }
    if (!any) return;
    forget(wd);
    // Of a deleted directory each file was told, of one that was moved or unmounted none.
    for (const auto& path : paths) {
        events_.changed(path, ChangeKind::removed, false);
        events_.warning(path + " is gone; it is watched again when it is back");
    }
    retry_roots();
}

bool TreeReader::all_there() const {
    return std::none_of(roots_.begin(), roots_.end(), [](const Root& root) { return root.wd < 0; });
}

void TreeReader::retry_roots() {
    return_to_working_directory();
    // Twice: what comes back while the guards are set is not told.
    for (int round = 0; round < 2 && !all_there(); ++round) {
        for (auto& root : roots_) {
            if (root.wd >= 0) continue;
            std::string problem;
            if (arm(root, true, problem)) {
                if (!root.program) events_.warning(root.path + " is back and watched again");
                continue;
            }
            root.wd = -1;
            if (round == 0) guard(root);
        }
    }
    if (all_there()) release_guards();
}

// The nearest directory above that exists.
void TreeReader::guard(const Root& root) {
    if (inotify_ < 0) return;  // each pass of polling looks
    for (fs::path path = fs::path(root.directory()).parent_path();; path = path.parent_path()) {
        const int wd = ::inotify_add_watch(
            inotify_, path.c_str(),
            IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_DELETE_SELF | IN_MOVE_SELF | IN_MASK_ADD);
        if (wd >= 0) {
            guards_.insert(wd);
            return;
        }
        if (path == path.parent_path()) return;
    }
}

void TreeReader::release_guards() {
    for (const int wd : guards_)
        end_watch(wd);
    guards_.clear();
}

void TreeReader::check_roots() {
    return_to_working_directory();
    for (std::size_t i = 0; i < roots_.size(); ++i) {
        const int wd = roots_[i].wd;
        // Of one that lies in another one, that one tells.
        const auto node = tree_.nodes.find(wd);
        if (node == tree_.nodes.end() || node->second.parent >= 0) continue;
        if (is_polled(wd)) {
            if (::access(roots_[i].directory().c_str(), F_OK) != 0) root_gone(wd);
            continue;
        }
        const int now = add_watch(roots_[i].directory());
        if (now == wd) continue;
        if (now >= 0) end_watch(now);
        root_gone(wd);
    }
    if (!all_there()) retry_roots();
}

// The directory that we were started in was deleted and made again, or something was mounted there:
// its path means the new one to people, and so to us and to the worker.
void TreeReader::return_to_working_directory() const {
    struct stat here {};
    struct stat there {};
    if (working_directory_.empty() || ::stat(working_directory_.c_str(), &there) != 0) return;
    const bool same =
        ::stat(".", &here) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino;
    if (!same && ::chdir(working_directory_.c_str()) != 0) {
        events_.warning("cannot return to " + working_directory_);
    }
}

}  // namespace oneloop
