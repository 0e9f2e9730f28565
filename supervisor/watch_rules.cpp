#include "supervisor/watch_rules.h"

namespace oneloop {

void WatchRules::add_root(const std::string& root) {
    if (!vcs_ || work_trees_.contains(root)) return;
    work_trees_[root] = VcsIgnore::open(root);
}

const VcsIgnore* WatchRules::of(const std::string& root) const {
    const auto found = work_trees_.find(root);
    return found == work_trees_.end() ? nullptr : found->second.get();
}

std::vector<std::string> WatchRules::above() const {
    std::vector<std::string> result;
    for (const auto& [root, work_tree] : work_trees_) {
        if (!work_tree) continue;
        for (auto& path : work_tree->above())
            result.push_back(std::move(path));
    }
    return result;
}

std::optional<std::string> WatchRules::why_directory(const std::string& root,
                                                     const std::string& path) const {
    if (auto rule = rules_.why_directory(path)) return rule;
    const auto* work_tree = of(root);
    if (work_tree && work_tree->ignores(path, true)) return ".gitignore";
    return std::nullopt;
}

std::optional<std::string> WatchRules::why_file(const std::string& root,
                                                const std::string& path) const {
    if (auto rule = rules_.why_file(path)) return rule;
    const auto* work_tree = of(root);
    if (work_tree && work_tree->ignores(path, false)) return ".gitignore";
    return std::nullopt;
}

bool WatchRules::ignores_at_start(const std::string& root, const std::string& path) {
    constexpr Duration most = std::chrono::milliseconds(100);
    if (!of(root)) return rules_.ignores_file(path);
    if (asked_ > most) return rules_.ignores_file(path);
    const auto before = Steady::now();
    const bool ignored = why_file(root, path).has_value();
    asked_ += Steady::now() - before;
    return ignored;
}

}  // namespace oneloop
