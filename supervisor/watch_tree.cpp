#include "supervisor/watch_tree.h"

#include <algorithm>
#include <iterator>

namespace oneloop {

std::vector<KnownFiles::File>::iterator KnownFiles::place(std::string_view name) {
    return std::lower_bound(files_.begin(), files_.end(), name,
                            [](const File& file, std::string_view one) { return file.name < one; });
}

Fingerprint* KnownFiles::find(std::string_view name) {
    const auto found = place(name);
    return found != files_.end() && found->name == name ? &found->print : nullptr;
}

void KnownFiles::set(const std::string& name, const Fingerprint& print) {
    const auto found = place(name);
    if (found != files_.end() && found->name == name) {
        found->print = print;
    } else {
        files_.insert(found, {name, print});
    }
}

void KnownFiles::erase(std::string_view name) {
    const auto found = place(name);
    if (found != files_.end() && found->name == name) files_.erase(found);
}

void KnownFiles::add(std::vector<File> files) {
    if (files_.empty()) {
        files_ = std::move(files);
    } else {
        std::move(files.begin(), files.end(), std::back_inserter(files_));
    }
    const auto before = [](const File& one, const File& other) { return one.name < other.name; };
    const auto same = [](const File& one, const File& other) { return one.name == other.name; };
    std::stable_sort(files_.begin(), files_.end(), before);
    files_.erase(std::unique(files_.begin(), files_.end(), same), files_.end());
    files_.shrink_to_fit();
}

std::string WatchTree::relative(int wd) const {
    const auto& node = nodes.at(wd);
    return node.parent < 0 ? "" : join_path(relative(node.parent), node.name);
}

std::string WatchTree::full(int wd) const {
    const auto& node = nodes.at(wd);
    return node.parent < 0 ? node.name : join_path(full(node.parent), node.name);
}

const std::string& WatchTree::root(int wd) const {
    const auto* node = &nodes.at(wd);
    while (node->parent >= 0)
        node = &nodes.at(node->parent);
    return node->name;
}

std::string join_path(const std::string& directory, const std::string& name) {
    if (directory.empty() || directory == ".") return name;
    return directory.back() == '/' ? directory + name : directory + "/" + name;
}

std::string parent_path(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string last_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace oneloop
