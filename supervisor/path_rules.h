// path_rules: which directories are watched and which files count.
//
// Pure: names in, yes or no out. The default list holds what tools write beside the sources; a
// directory on it never gets a watch. What the user named explicitly beats every rule, so
// file_watcher does not ask for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oneloop {

class PathRules {
  public:
    // `ignore`: further globs (fnmatch(3)). One with a slash is matched against the path relative
    // to the watched root, one without against the name alone; one that ends with a slash counts
    // for directories only.
    explicit PathRules(std::vector<std::string> ignore = {}) : ignore_(std::move(ignore)) {}

    // `path` is relative to the watched root, without a leading "./".
    [[nodiscard]] bool ignores_directory(std::string_view path) const;
    [[nodiscard]] bool ignores_file(std::string_view path) const;

  private:
    [[nodiscard]] bool ignored_by_user(std::string_view path, bool directory) const;
    std::vector<std::string> ignore_;
};

// The glob that ignores this one file; one that lies in the watched directory itself shares it with
// its namesakes further down. None when no glob can: the file was named with --watch itself.
// `path`: as people know it, so with the watched path in front. `watched`: as given to --watch.
[[nodiscard]] std::optional<std::string> ignore_pattern(std::string_view path,
                                                        const std::vector<std::string>& watched);

}  // namespace oneloop
