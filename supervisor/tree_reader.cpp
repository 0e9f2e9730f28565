#include "supervisor/tree_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "supervisor/read_directory.h"

namespace oneloop {

namespace fs = std::filesystem;

TreeReader::TreeReader(int inotify, PollOptions polling, WatchRules& rules, WatchTree& tree,
                       ContentWatch& content, const FileWatcher::Events& events)
    : inotify_(inotify),
      polling_(polling),
      rules_(rules),
      tree_(tree),
      content_(content),
      events_(events),
      linked_(inotify) {
    std::error_code error;
    working_directory_ = fs::current_path(error).string();
}

void TreeReader::add_root(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) throw WatchError(watch_problem(path, errno));
    if (!S_ISDIR(info.st_mode)) return add_file(path, false);
    Root root{path, fs::absolute(path).lexically_normal().string(), false, false, -1};
    std::string problem;
    if (!arm(root, false, problem)) throw WatchError(problem);
    roots_.push_back(std::move(root));
}

void TreeReader::add_file(const std::string& path, bool program) {
    Root root{path, fs::absolute(path).lexically_normal().string(), true, program, -1};
    std::string problem;
    if (!arm(root, false, problem)) throw WatchError(problem);
    roots_.push_back(std::move(root));
    ++counts_.files;
}

bool TreeReader::arm(Root& root, bool tell, std::string& problem) {
    const std::string directory = root.file ? parent_path(root.path) : root.path;
    if (!root.file && ::access(root.path.c_str(), R_OK | X_OK) != 0) {
        problem = watch_problem(root.path, errno);
        return false;
    }
    // A working directory that was deleted can still be watched, and is not what people mean.
    const bool there = ::access(root.directory().c_str(), F_OK) == 0;
    const int wd = there ? take_watch(directory, -1) : -1;
    if (wd < 0) {
        problem = watch_problem(root.path, errno);
        return false;
    }
    root.wd = wd;
    if (!root.file && !linked_.look_at_root(root.absolute)) {
        events_.warning(watch_problem("what leads to " + root.path, errno));
    }
    auto& node = tree_.nodes[wd];
    if (node.name.empty()) node.name = directory;
    if (!root.file) {
        node.recursive = true;
        rules_.add_root(tree_.root(wd));
        return scan(wd, tell, problem);
    }
    const std::string name = last_name(root.path);
    (root.program ? node.programs : node.files).insert(name);
    if (tell) {
        if (::access(root.path.c_str(), F_OK) == 0) tell_saved(wd, name, true);
    } else {
        remember(wd, AT_FDCWD, name);
    }
    return true;
}

// Reads a directory that is watched already. `tell`: its files are news.
bool TreeReader::scan(int wd, bool tell, std::string& problem) {
    const std::string path = tree_.full(wd);
    const std::string relative = tree_.relative(wd);
    const std::string root = tree_.root(wd);
    std::vector<KnownFiles::File> files;
    const int error = read_directory(path, [&](int fd, const std::string& name, EntryKind what) {
        if (what == EntryKind::directory) {
            add_directory(wd, name, tell);
        } else if (what == EntryKind::link) {
            found_link(wd, name, tell);
        } else if (rules_.ignores_at_start(root, join_path(relative, name))) {
            ++counts_.ignored;
        } else if (++counts_.files; tell) {
            if (counts(wd, name)) tell_saved(wd, name, true);
        } else {
            if (const auto print = look_at(fd, name.c_str())) files.push_back({name, *print});
            if (what == EntryKind::linked_file) look_for_link(wd, name);
        }
    });
    tree_.nodes.at(wd).known.add(std::move(files));
    content_.learn_young(wd);
    if (error) {
        problem = watch_problem(path, error);
        return error == ENOENT;
    }
    ++counts_.directories;
    return true;
}

void TreeReader::remember(int wd, int directory, const std::string& name) {
    const std::string path = directory == AT_FDCWD ? join_path(tree_.full(wd), name) : name;
    if (const auto print = look_at(directory, path.c_str())) {
        tree_.nodes.at(wd).known.set(name, *print);
        content_.learn_young(wd, name);
        look_for_link(wd, name);
    }
}

void TreeReader::add_directory(int parent, const std::string& name, bool tell) {
    if (rules_.why_directory(tree_.root(parent), join_path(tree_.relative(parent), name))) {
        ++counts_.ignored;
        return;
    }
    const std::string path = join_path(tree_.full(parent), name);
    const int wd = take_watch(path, parent);
    if (wd < 0) {
        if (errno != ENOENT && errno != ENOTDIR) events_.warning(watch_problem(path, errno));
        return;  // gone again: its removal is told by its parent
    }
    if (is_watched_elsewhere(wd, parent, name)) return;
    auto& node = tree_.nodes[wd];
    node.parent = parent;
    node.name = name;
    node.recursive = true;
    tree_.nodes.at(parent).children[name] = wd;
    std::string problem;
    if (!scan(wd, tell, problem)) events_.warning(problem);
}

void TreeReader::forget(int wd) {
    const auto found = tree_.nodes.find(wd);
    if (found == tree_.nodes.end()) return;
    for (const auto& [name, child] : std::map(found->second.children))
        forget(child);
    const auto parent = tree_.nodes.find(found->second.parent);
    if (parent != tree_.nodes.end()) {
        auto& children = parent->second.children;
        const auto entry = children.find(found->second.name);
        if (entry != children.end() && entry->second == wd) children.erase(entry);
    }
    tree_.nodes.erase(wd);
    linked_.forget_links_in(wd);
    if (silent_.erase(wd) > 0) tested_.clear();
    if (targets_.erase(wd) > 0) retry_links();
    if (!is_polled(wd)) end_watch(wd);
}

bool TreeReader::stands_for_another(int wd) const {
    if (is_polled(wd)) return false;
    const int now = add_watch(tree_.full(wd));  // the same one for the same directory
    if (now < 0 || now == wd) return false;
    end_watch(now);
    return true;
}

void TreeReader::rules_changed(int wd) {
    if (!tree_.nodes.contains(wd) || !tree_.nodes.at(wd).recursive) return;
    const std::string root = tree_.root(wd);
    const std::string relative = tree_.relative(wd);
    read_directory(tree_.full(wd), [&](int fd, const std::string& name, EntryKind what) {
        const std::string path = join_path(relative, name);
        if (is_file(what)) {
            if (!tree_.nodes.at(wd).known.find(name) && !rules_.why_file(root, path)) {
                remember(wd, fd, name);
            }
            return;
        }
        auto& children = tree_.nodes.at(wd).children;
        const auto child = children.find(name);
        if (child == children.end()) {
            if (what == EntryKind::link) return found_link(wd, name, false);
            return add_directory(wd, name, false);
        }
        const int inner = child->second;
        if (!rules_.why_directory(root, path)) return rules_changed(inner);
        forget(inner);
    });
}

bool TreeReader::counts(int wd, const std::string& name) const {
    const auto& node = tree_.nodes.at(wd);
    if (node.files.contains(name) || node.programs.contains(name)) return true;
    return node.recursive && !is_rule(wd, name) &&
           !rules_.why_file(tree_.root(wd), join_path(tree_.relative(wd), name));
}

bool TreeReader::tell_saved(int wd, const std::string& name, bool say_unchanged) {
    const std::string path = join_path(tree_.full(wd), name);
    look_for_link(wd, name);
    switch (content_.saved(wd, name)) {
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
    content_.learn(wd, name);
    return true;
}

void TreeReader::tell_removed(int wd, const std::string& name) {
    content_.removed(wd, name);
    // A program that is being rebuilt is absent for a while.
    if (tree_.nodes.at(wd).programs.contains(name)) return;
    events_.changed(join_path(tree_.full(wd), name), ChangeKind::removed, false);
}

std::vector<int> TreeReader::directories() const {
    std::vector<int> result;
    result.reserve(tree_.nodes.size());
    for (const auto& [wd, node] : tree_.nodes)
        result.push_back(wd);
    return result;
}

std::vector<int> TreeReader::polled() const {
    std::vector<int> result;
    for (const auto& [wd, node] : tree_.nodes) {
        if (looked_at(wd)) result.push_back(wd);
    }
    return result;
}

}  // namespace oneloop
