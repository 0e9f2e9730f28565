#include "supervisor/tree_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <set>

namespace oneloop {
namespace {

// CREATE for directories and links; a new regular file counts when it is closed. Not MODIFY (the
// close follows) and not ATTRIB (chmod changes no byte).
constexpr std::uint32_t interesting = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO |
                                      IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_EXCL_UNLINK;

struct CloseDirectory {
    void operator()(DIR* dir) const { ::closedir(dir); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

std::string watch_problem(const std::string& path, int error) {
    if (error == ENOSPC) {
        return fmt::format(
            "cannot watch {}: all inotify watches are in use "
            "(sudo sysctl fs.inotify.max_user_watches=524288)",
            path);
    }
    return fmt::format("cannot watch {}: {}", path, std::strerror(error));
}

bool is_directory(int directory, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
    struct stat info {};  // some file systems do not say
    return ::fstatat(directory, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(info.st_mode);
}

// Calls `use(name, is a directory)` for each entry. Returns an errno.
template <class Use>
int read_directory(const std::string& path, Use use) {
    const Directory dir(::opendir(path.c_str()));
    if (!dir) return errno;
    const int fd = ::dirfd(dir.get());
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        use(fd, std::string(name), is_directory(fd, *entry));
    }
    return 0;
}

}  // namespace

int TreeReader::add_watch(const std::string& path) const {
    return ::inotify_add_watch(inotify_, path.c_str(), interesting | IN_ONLYDIR);
}

void TreeReader::add_root(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) throw WatchError(watch_problem(path, errno));
    if (!S_ISDIR(info.st_mode)) return add_file(path, false);
    if (::access(path.c_str(), R_OK | X_OK) != 0) throw WatchError(watch_problem(path, errno));
    const int wd = add_watch(path);
    if (wd < 0) throw WatchError(watch_problem(path, errno));
    auto& node = tree_.nodes[wd];
    if (node.name.empty()) node.name = path;
    node.recursive = true;
    roots_.push_back(wd);
    if (const int error = scan(wd, false)) throw WatchError(watch_problem(path, error));
}

void TreeReader::add_file(const std::string& path, bool program) {
    watch_file(path, program);
    // The link and what it points to: either may be replaced.
    std::array<char, PATH_MAX> resolved{};
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode) &&
        ::realpath(path.c_str(), resolved.data())) {
        watch_file(resolved.data(), program);
    }
}

void TreeReader::watch_file(const std::string& path, bool program) {
    const std::string directory = parent_path(path);
    const int wd = add_watch(directory);
    if (wd < 0) throw WatchError(watch_problem(path, errno));
    auto& node = tree_.nodes[wd];
    if (node.name.empty()) node.name = directory;
    const std::string name = last_name(path);
    (program ? node.programs : node.files).insert(name);
    if (const auto print = look_at(AT_FDCWD, path.c_str())) {
        node.known.set(name, *print);
        content_.learn_if_young(wd, name, path);
    }
    roots_.push_back(wd);
    ++counts_.files;
}

// Reads a directory that is watched already. `tell`: its files are news. Returns an errno.
int TreeReader::scan(int wd, bool tell) {
    const int error =
        read_directory(tree_.full(wd), [&](int fd, const std::string& name, bool directory) {
            if (directory) {
                add_directory(wd, name, tell);
            } else if (rules_.ignores_file(join_path(tree_.relative(wd), name))) {
                ++counts_.ignored;
            } else {
                ++counts_.files;
                scan_file(wd, fd, name, tell);
            }
        });
    if (error) return error;
    ++counts_.directories;
    tree_.nodes.at(wd).known.all().shrink_to_fit();
    return 0;
}

void TreeReader::scan_file(int wd, int directory, const std::string& name, bool tell) {
    auto& known = tree_.nodes.at(wd).known;
    if (tell) {
        tell_saved(wd, name, false);
    } else if (const auto print = look_at(directory, name.c_str())) {
        known.set(name, *print);
        content_.learn_if_young(wd, name, join_path(tree_.full(wd), name));
    }
}

void TreeReader::add_directory(int parent, const std::string& name, bool tell) {
    if (rules_.ignores_directory(join_path(tree_.relative(parent), name))) {
        ++counts_.ignored;
        return;
    }
    const std::string path = join_path(tree_.full(parent), name);
    const int wd = add_watch(path);
    if (wd < 0) {
        if (errno != ENOENT && errno != ENOTDIR) events_.warning(watch_problem(path, errno));
        return;  // gone again: its removal is told by its parent
    }
    auto& node = tree_.nodes[wd];
    node.parent = parent;
    node.name = name;
    node.recursive = true;
    tree_.nodes.at(parent).children[name] = wd;
    if (const int error = scan(wd, tell); error && error != ENOENT) {
        events_.warning(watch_problem(path, error));
    }
}

void TreeReader::forget(int wd) {
    const auto found = tree_.nodes.find(wd);
    if (found == tree_.nodes.end()) return;
    for (const auto& [name, child] : std::map(found->second.children))
        forget(child);
    tree_.nodes.erase(wd);
    ::inotify_rm_watch(inotify_, wd);
}

bool TreeReader::tell_saved(int wd, const std::string& name, bool say_unchanged) {
    const std::string path = join_path(tree_.full(wd), name);
    switch (content_.saved(wd, name, path)) {
        case ContentWatch::Saved::nothing:
            return false;
        case ContentWatch::Saved::unchanged:
            if (say_unchanged) events_.unchanged(path);
            return false;
        case ContentWatch::Saved::fresh:
            events_.changed(path, ChangeKind::written, true);
            break;
        case ContentWatch::Saved::changed:
            events_.changed(path, ChangeKind::written, false);
            break;
    }
    content_.learn(wd, name, path);
    return true;
}

FileWatcher::Compared TreeReader::compare() {
    FileWatcher::Compared compared;
    for (const int root : std::vector<int>(roots_))
        compared.complete = compare(root, compared) && compared.complete;
    return compared;
}

// False when a directory could not be read.
bool TreeReader::compare(int wd, FileWatcher::Compared& compared) {
    if (!tree_.nodes.contains(wd)) return true;
    const std::string path = tree_.full(wd);
    std::set<std::string> there;
    const int error = read_directory(path, [&](int fd, const std::string& name, bool directory) {
        const auto& node = tree_.nodes.at(wd);
        const bool named = node.files.contains(name) || node.programs.contains(name);
        if (!node.recursive && !named) return;
        if (directory && node.recursive) {
            there.insert(name);
            if (!node.children.contains(name)) add_directory(wd, name, true);
        } else if (named || !rules_.ignores_file(join_path(tree_.relative(wd), name))) {
            there.insert(name);
            compare_file(wd, fd, name, compared);
        }
    });
    if (error) return error == ENOENT;
    std::vector<std::string> gone;
    for (const auto& file : tree_.nodes.at(wd).known.all()) {
        if (!there.contains(file.name)) gone.push_back(file.name);
    }
    for (const auto& name : gone) {
        content_.removed(wd, name, join_path(path, name));
        if (tree_.nodes.at(wd).programs.contains(name)) continue;
        ++compared.changed;
        events_.changed(join_path(path, name), ChangeKind::removed, false);
    }
    bool complete = true;
    for (const auto& [name, child] : std::map(tree_.nodes.at(wd).children)) {
        if (there.contains(name)) {
            complete = compare(child, compared) && complete;
        } else {
            tree_.nodes.at(wd).children.erase(name);
            forget(child);
            ++compared.changed;
            events_.changed(join_path(path, name), ChangeKind::removed, false);
        }
    }
    return complete;
}

void TreeReader::compare_file(int wd, int directory, const std::string& name,
                              FileWatcher::Compared& compared) {
    ++compared.files;
    const auto now = look_at(directory, name.c_str());
    const auto* known = tree_.nodes.at(wd).known.find(name);
    if (!now && !known) return;
    if (now && known && content_.is_same(*known, *now)) return;
    if (tell_saved(wd, name, false)) ++compared.changed;
}

}  // namespace oneloop
