#include "supervisor/watch_tree.h"

namespace oneloop {

std::string WatchTree::relative(int wd) const {
    const auto& node = nodes.at(wd);
    return node.parent < 0 ? "" : join_path(relative(node.parent), node.name);
}

std::string WatchTree::full(int wd) const {
    const auto& node = nodes.at(wd);
    return node.parent < 0 ? node.name : join_path(full(node.parent), node.name);
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
