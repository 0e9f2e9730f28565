#include "supervisor/linked_files.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <filesystem>
#include <system_error>

#include "supervisor/tree_reader.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;

bool is_link(const std::string& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

// Where the file lies, or would lie, to which a chain of links leads; empty: nowhere.
fs::path end_of(fs::path path) {
    std::error_code error;
    for (int links = 0; is_link(path.string()); ++links) {
        constexpr int most = 40;  // path_resolution(7)
        if (links == most) return {};
        const fs::path next = fs::read_symlink(path, error);
        if (error) return {};
        path = next.is_absolute() ? next : path.parent_path() / next;
    }
    const fs::path directory =
        fs::canonical(path.has_parent_path() ? path.parent_path() : fs::path("."), error);
    return error ? fs::path() : directory / path.filename();
}

}  // namespace

bool LinkedFiles::look(const Place& place, const std::string& path) {
    if (inotify_ < 0) return true;
    drop(place);
    if (!is_link(path)) return true;
    const fs::path target = end_of(path);
    struct stat info {};
    const bool there = ::stat(target.c_str(), &info) == 0;
    // Devices are written by everybody, and are no files of a program.
    if (target.empty() || (there && !S_ISREG(info.st_mode))) return true;
    return follow(place, target.string());
}

bool LinkedFiles::look_at_root(const std::string& path) {
    if (inotify_ < 0) return true;
    bool all = true;
    fs::path so_far;
    for (const auto& part : fs::path(path)) {
        so_far /= part;
        if (is_link(so_far.string())) all &= follow({no_watch, path}, so_far.string());
    }
    return all;
}

// Several for one root: its path may lead through several links.
bool LinkedFiles::follow(const Place& link, const std::string& target) {
    // What the directory's own watch tells, if it has one, stays.
    const int wd =
        ::inotify_add_watch(inotify_, parent_path(target).c_str(), watch_mask() | IN_MASK_ADD);
    if (wd < 0) return false;
    const Place place{wd, last_name(target)};
    links_[place].insert(link);
    if (link.first != no_watch) targets_[link] = place;
    return true;
}

// The watch stays: others may need it, and the directory may be in the tree.
void LinkedFiles::drop(const Place& link) {
    const auto known = targets_.find(link);
    if (known == targets_.end()) return;
    const auto links = links_.find(known->second);
    links->second.erase(link);
    if (links->second.empty()) links_.erase(links);
    targets_.erase(known);
}

std::vector<LinkedFiles::Place> LinkedFiles::leading_to(int wd, const std::string& name) const {
    const auto links = links_.find({wd, name});
    if (links == links_.end()) return {};
    return {links->second.begin(), links->second.end()};
}

bool LinkedFiles::watches(int wd) const {
    const auto first = links_.lower_bound({wd, ""});
    return first != links_.end() && first->first.first == wd;
}

void LinkedFiles::forget_links_in(int wd) {
    for (auto link = targets_.lower_bound({wd, ""});
         link != targets_.end() && link->first.first == wd;) {
        const Place place = (link++)->first;
        drop(place);
    }
}

void LinkedFiles::forget_target(int wd) {
    for (auto links = links_.lower_bound({wd, ""});
         links != links_.end() && links->first.first == wd; links = links_.erase(links)) {
        for (const auto& link : links->second)
            targets_.erase(link);
    }
}

}  // namespace oneloop
