// watch_rules: does this file of this watched root count? The rules of the command line and those
// of the work tree together.
//
// Not for the rules themselves (path_rules, vcs_ignore). On the loop's thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "supervisor/path_rules.h"
#include "supervisor/vcs_ignore.h"

namespace oneloop {

class WatchRules {
  public:
    WatchRules(PathRules rules, bool vcs) : rules_(std::move(rules)), vcs_(vcs) {}

    // `root`: as people know it. Before `why` is asked of it.
    void add_root(const std::string& root);

    // The rule that ignores it; none: it counts. `path` is relative to the root.
    [[nodiscard]] std::optional<std::string> why_directory(const std::string& root,
                                                           const std::string& path) const;
    [[nodiscard]] std::optional<std::string> why_file(const std::string& root,
                                                      const std::string& path) const;

    // The same while a tree is read for the first time. Asking libgit2 of a hundred thousand files
    // takes seconds: after a tenth of one, a file is asked for when it changes, and counted here.
    [[nodiscard]] bool ignores_at_start(const std::string& root, const std::string& path);

    // A file whose change changes the rules.
    [[nodiscard]] bool is_rule(const std::string& root, const std::string& name) const {
        return name == ".gitignore" && of(root);
    }

    // Files of that kind that lie in none of the roots.
    [[nodiscard]] std::vector<std::string> above() const;

  private:
    [[nodiscard]] const VcsIgnore* of(const std::string& root) const;
    PathRules rules_;
    bool vcs_;
    std::map<std::string, std::unique_ptr<VcsIgnore>> work_trees_;  // by root
    Duration asked_{};
};

}  // namespace oneloop
