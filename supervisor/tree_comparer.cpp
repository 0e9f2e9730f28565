#include "supervisor/tree_comparer.h"

#include <errno.h>

#include <algorithm>
#include <map>

#include "supervisor/read_directory.h"

namespace oneloop {

void TreeComparer::begin() {
    queue_ = reader_.directories();
    compared_ = {};
}

void TreeComparer::begin(std::vector<int> directories) {
    queue_ = std::move(directories);
    compared_ = {};
}

bool TreeComparer::step() {
    while (!queue_.empty()) {
        const int wd = queue_.back();
        queue_.pop_back();
        if (!tree_.nodes.contains(wd)) continue;
        compare(wd);
        return true;
    }
    return false;
}

void TreeComparer::compare(int wd) {
    std::vector<std::string> there;
    const int error =
        read_directory(tree_.full(wd), [&](int fd, const std::string& name, EntryKind what) {
            there.push_back(name);
            if (!tree_.nodes.contains(wd)) return;
            if (is_file(what)) {
                compare_file(wd, fd, name);
            } else if (tree_.nodes.at(wd).recursive) {
                compare_child(wd, name, what == EntryKind::link);
            }
        });
    if (error) {
        if (error != ENOENT) compared_.complete = false;
        return;  // gone: its parent tells
    }
    std::sort(there.begin(), there.end());
    if (tree_.nodes.contains(wd)) tell_gone(wd, there);
}

void TreeComparer::compare_file(int wd, int directory, const std::string& name) {
    const auto& node = tree_.nodes.at(wd);
    if (!node.recursive && !node.files.contains(name) && !node.programs.contains(name)) return;
    const auto now = look_at(directory, name.c_str());
    const auto* known = tree_.nodes.at(wd).known.find(name);
    if (known) ++compared_.files;
    if (!now && !known) return;
    if (now && known && content_.is_same(*known, *now, reader_.looked_at(wd))) return;
    if (!reader_.counts(wd, name)) return;
    // A program that keeps its output file open: there will be an event when it is closed.
    if (!reader_.looked_at(wd) && is_being_written(join_path(tree_.full(wd), name).c_str())) return;
    if (!known) ++compared_.files;
    if (reader_.tell_saved(wd, name, false)) ++compared_.changed;
}

void TreeComparer::compare_child(int wd, const std::string& name, bool link) {
    auto& children = tree_.nodes.at(wd).children;
    const auto child = children.find(name);
    if (child == children.end()) {
        return link ? reader_.found_link(wd, name, true) : reader_.add_directory(wd, name, true);
    }
    const int inner = child->second;
    if (!reader_.stands_for_another(inner)) return;
    if (link) {
        (void)reader_.take_link(wd, name);
        return;
    }
    reader_.forget(inner);
    reader_.add_directory(wd, name, true);
}

void TreeComparer::tell_gone(int wd, const std::vector<std::string>& there) {
    const auto is_there = [&there](const std::string& name) {
        return std::binary_search(there.begin(), there.end(), name);
    };
    std::vector<std::string> gone;
    for (const auto& file : tree_.nodes.at(wd).known.all()) {
        if (!is_there(file.name)) gone.push_back(file.name);
    }
    for (const auto& name : gone) {
        if (!tree_.nodes.at(wd).programs.contains(name)) ++compared_.changed;
        reader_.tell_removed(wd, name);
    }
    for (const auto& [name, child] : std::map(tree_.nodes.at(wd).children)) {
        if (is_there(name)) continue;
        const std::string path = join_path(tree_.full(wd), name);
        reader_.forget(child);
        ++compared_.changed;
        events_.changed(path, ChangeKind::removed, false);
    }
}

}  // namespace oneloop
