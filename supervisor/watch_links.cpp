// The part of tree_reader that follows links to directories, and obeys rules that lie above a root.
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "supervisor/link_rule.h"
#include "supervisor/tree_reader.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;

std::string real_path(const std::string& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path.empty() ? "." : path, error);
    return error ? "" : real.string();
}

bool is_link_to_directory(const std::string& path) {
    struct stat link {};
    struct stat target {};
    return ::lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode) &&
           ::stat(path.c_str(), &target) == 0 && S_ISDIR(target.st_mode);
}

}  // namespace

void TreeReader::found_link(int wd, const std::string& name, bool tell) {
    links_.push_back({wd, name, tell, false});
}

bool TreeReader::has_new_links() const {
    return std::any_of(links_.begin(), links_.end(), [](const Link& link) { return link.event; });
}

void TreeReader::follow_links(bool new_ones) {
    const auto is_due = [new_ones](const Link& link) { return new_ones || !link.event; };
    for (;;) {  // what is followed may hold more
        const auto due = std::find_if(links_.rbegin(), links_.rend(), is_due);
        if (due == links_.rend()) return;
        const Link link = *due;
        links_.erase(std::next(due).base());
        const auto parent = tree_.nodes.find(link.parent);
        if (parent != tree_.nodes.end() && !parent->second.children.contains(link.name)) {
            follow(link);
        }
    }
}

void TreeReader::follow(const Link& link) {
    const std::string target = real_path(join_path(tree_.full(link.parent), link.name));
    std::vector<std::string> watched;
    for (const auto& root : roots_) {
        if (!root.file && root.wd >= 0) watched.push_back(real_path(root.directory()));
    }
    for (const auto& [wd, path] : targets_)
        watched.push_back(path);
    if (target.empty() || why_not_followed(target, watched)) return keep_unfollowed(link, target);
    unfollowed_.erase({link.parent, link.name});
    add_directory(link.parent, link.name, link.tell);
    const auto& children = tree_.nodes.at(link.parent).children;
    if (const auto child = children.find(link.name); child != children.end()) {
        targets_[child->second] = target;
    }
}

// What lies behind it is told by its own name, but not that other files go by this one now.
void TreeReader::keep_unfollowed(const Link& link, const std::string& target) {
    const std::string path = join_path(tree_.full(link.parent), link.name);
    const std::string relative = join_path(tree_.relative(link.parent), link.name);
    if (rules_.why_directory(tree_.root(link.parent), relative)) return;
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        unfollowed_.erase({link.parent, link.name});  // its removal was told
        return;
    }
    const auto [known, fresh] = unfollowed_.try_emplace({link.parent, link.name}, target);
    const bool other = fresh || known->second != target;
    known->second = target;
    if (link.tell && other) events_.changed(path, ChangeKind::written, fresh);
    if (link.event && !other) events_.unchanged(path);
}

// Once more: something else is no longer watched, or it leads somewhere again.
void TreeReader::retry_links() {
    std::erase_if(unfollowed_,
                  [this](const auto& one) { return !tree_.nodes.contains(one.first.first); });
    for (const auto& [place, target] : unfollowed_)
        links_.push_back({place.first, place.second, true, false});
}

// Each file, so that one that is back in a moment with the same bytes is no change.
void TreeReader::tell_all_removed(int wd) {
    std::vector<std::string> names;
    for (const auto& file : tree_.nodes.at(wd).known.all())
        names.push_back(file.name);
    for (const auto& name : names)
        tell_removed(wd, name);
    for (const auto& [name, child] : std::map(tree_.nodes.at(wd).children))
        tell_all_removed(child);
}

bool TreeReader::take_link(int wd, const std::string& name) {
    auto& node = tree_.nodes.at(wd);
    if (!node.recursive) return false;
    const auto child = node.children.find(name);
    // ln -sfn makes it under another name first.
    const auto in_hand = std::erase_if(
        links_, [&](const Link& link) { return link.parent == wd && link.name == name; });
    const bool was_one = child != node.children.end() || in_hand > 0;
    if (child != node.children.end()) {
        const int inner = child->second;
        tell_all_removed(inner);
        forget(inner);
    }
    const bool is_one = is_link_to_directory(join_path(tree_.full(wd), name));
    if (is_one) links_.push_back({wd, name, true, true});
    return was_one || is_one;
}

void TreeReader::link_target_gone(int wd) {
    if (!targets_.contains(wd)) return;
    const auto& node = tree_.nodes.at(wd);
    const Link link{node.parent, node.name, true, false};
    tell_all_removed(wd);
    forget(wd);
    links_.push_back(link);
}

void TreeReader::look_for_link(int wd, const std::string& name) {
    if (is_polled(wd)) return;  // each pass looks at what it leads to
    const std::string path = join_path(tree_.full(wd), name);
    if (!linked_.look({wd, name}, path)) {
        events_.warning(watch_problem("what " + path + " leads to", errno));
    }
}

void TreeReader::tell_links(int wd, const std::string& name, bool created) {
    bool root = false;
    for (const auto& [parent, link] : linked_.leading_to(wd, name)) {
        root |= parent == LinkedFiles::no_watch;
        if (tree_.nodes.contains(parent) && counts(parent, link)) {
            tell_link(parent, link, created);
        }
    }
    if (root) check_roots();
}

void TreeReader::tell_link(int wd, const std::string& name, bool created) {
    struct stat info {};
    if (::stat(join_path(tree_.full(wd), name).c_str(), &info) == 0) {
        // A regular file is told when it is closed, unless it is complete at once: a hard link.
        if (!created || info.st_nlink > 1) tell_saved(wd, name, true);
    } else if (tree_.nodes.at(wd).known.find(name)) {
        tell_removed(wd, name);
    }
}

// Its inode has a watch already, and by a path that still leads there: a link, a bind mount. A path
// that no longer does was renamed, and it goes by its new one.
bool TreeReader::is_watched_elsewhere(int wd, int parent, const std::string& name) const {
    const auto found = tree_.nodes.find(wd);
    if (found == tree_.nodes.end() || found->second.parent < 0) return false;
    if (found->second.parent == parent && found->second.name == name) return false;
    struct stat there {};
    struct stat here {};
    return ::stat(tree_.full(wd).c_str(), &there) == 0 &&
           ::stat(join_path(tree_.full(parent), name).c_str(), &here) == 0 &&
           there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

void TreeReader::watch_rules_above() {
    if (inotify_ < 0 || polling_.when == PollOptions::When::always) return;
    for (const auto& path : rules_.above()) {
        const std::string directory = parent_path(path);
        const int wd = add_watch(directory);
        if (wd < 0) continue;
        auto& node = tree_.nodes[wd];
        if (node.name.empty()) node.name = directory;
        node.rules.insert(last_name(path));
    }
}

bool TreeReader::take_rule(int wd, const std::string& name) {
    if (!is_rule(wd, name)) return false;
    if (tree_.nodes.at(wd).rules.contains(name)) {
        for (const auto& root : roots_) {
            if (!root.file && root.wd >= 0) rules_changed(root.wd);
        }
    } else {
        rules_changed(wd);
    }
    return true;
}

bool TreeReader::is_rule(int wd, const std::string& name) const {
    const auto& node = tree_.nodes.at(wd);
    return node.rules.contains(name) || (node.recursive && rules_.is_rule(tree_.root(wd), name));
}

}  // namespace oneloop
