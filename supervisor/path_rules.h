// path_rules: which directories are watched and which files count.
//
// Pure: names in, a rule or none out. The default list holds what tools write beside the sources; a
// directory on it never gets a watch. What the user named explicitly beats every rule, so
// file_watcher does not ask for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oneloop {

// A line of an --ignore-file.
struct IgnoreLine {
    std::string pattern;
    bool negated = false;  // "!": counts nevertheless
    std::string source;    // the file's name, for people
    friend bool operator==(const IgnoreLine&, const IgnoreLine&) = default;
};
// Empty lines and "#" comments are nothing; "\\#" and "\\!" are the characters themselves.
[[nodiscard]] std::vector<IgnoreLine> parse_ignore_lines(std::string_view text,
                                                         const std::string& source);

// "py,.html" as "py" and "html". Empty when there is an empty one.
[[nodiscard]] std::vector<std::string> parse_extensions(std::string_view list);

// A glob (fnmatch(3)) with a slash is matched against the path relative to the watched root, one
// without against the name alone; one that ends with a slash counts for directories only, one that
// begins with a slash for the root only.
struct RuleSet {
    std::vector<std::string> ignore;
    std::vector<IgnoreLine> lines;    // the last that matches decides, the defaults included
    std::vector<std::string> filter;  // with `exts`: a file has to match one of both
    std::vector<std::string> exts;
    bool defaults = true;
};

class PathRules {
  public:
    explicit PathRules(RuleSet rules = {}) : rules_(std::move(rules)) {}
    explicit PathRules(std::vector<std::string> ignore) { rules_.ignore = std::move(ignore); }

    // `path` is relative to the watched root, without a leading "./". The rule in people's words:
    // "--ignore *.txt", "default *.log"; none: it counts.
    [[nodiscard]] std::optional<std::string> why_directory(std::string_view path) const;
    [[nodiscard]] std::optional<std::string> why_file(std::string_view path) const;

    [[nodiscard]] bool ignores_directory(std::string_view path) const {
        return why_directory(path).has_value();
    }
    [[nodiscard]] bool ignores_file(std::string_view path) const {
        return why_file(path).has_value();
    }

  private:
    struct Said {
        bool ignored = false;
        bool wanted = false;  // by a line with "!"
        std::string rule;
    };
    [[nodiscard]] Said said_by_user(std::string_view path, bool directory) const;
    [[nodiscard]] bool passes_filter(std::string_view path) const;
    RuleSet rules_;
};

// The glob that ignores this one file; one that lies in the watched directory itself shares it with
// its namesakes further down. None when no glob can: the file was named with --watch itself.
// `path`: as people know it, so with the watched path in front. `watched`: as given to --watch.
[[nodiscard]] std::optional<std::string> ignore_pattern(std::string_view path,
                                                        const std::vector<std::string>& watched);

}  // namespace oneloop
