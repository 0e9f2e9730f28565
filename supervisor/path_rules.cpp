#include "supervisor/path_rules.h"

#include <fnmatch.h>

#include <array>

namespace oneloop {
namespace {

// Most globs are a word with at most one star at an end. A hundred thousand files times all of them
// are too many calls of fnmatch(3), so those are compared and the rest is asked only where the
// first character fits.
class Glob {
  public:
    constexpr Glob(const char* glob) : Glob(std::string_view(glob)) {}
    constexpr explicit Glob(std::string_view glob) : glob_(glob) {
        constexpr std::string_view special = "*?[\\";
        const auto first = glob.find_first_of(special);
        begin_ = glob.substr(0, first);
        if (first == std::string_view::npos) {
            kind_ = Kind::word;
        } else if (glob[first] == '*' && first + 1 == glob.size()) {
            kind_ = Kind::begin;
        } else if (glob[0] == '*' && glob.find_first_of(special, 1) == std::string_view::npos) {
            kind_ = Kind::end;
            begin_ = glob.substr(1);
        }
    }

    // FNM_PATHNAME: a star does not cross a slash, as in every ignore file.
    [[nodiscard]] bool matches(std::string_view text, bool pathname = false) const {
        if (kind_ == Kind::word) return text == glob_;
        const bool slashes = pathname && text.find('/') != std::string_view::npos;
        if (!slashes && kind_ == Kind::begin) return text.starts_with(begin_);
        if (!slashes && kind_ == Kind::end) return text.ends_with(begin_);
        if (kind_ == Kind::any && !text.starts_with(begin_)) return false;
        return ::fnmatch(std::string(glob_).c_str(), std::string(text).c_str(),
                         pathname ? FNM_PATHNAME : 0) == 0;
    }

    [[nodiscard]] std::string text() const { return std::string(glob_); }

  private:
    enum class Kind { word, begin, end, any };
    std::string_view glob_;
    std::string_view begin_;  // what it begins with, or ends with, literally
    Kind kind_ = Kind::any;
};

// Build results, caches and dependencies. Directories whose name begins with a dot are ignored as
// well (version control, editors), unless they are named with --watch.
constexpr std::array<Glob, 15> directories = {
    "__pycache__", "venv",    "node_modules",  "bower_components", "coverage",
    "target",      "build",   "cmake-build-*", "build-*",          "_darcs",
    "*.egg-info",  "htmlcov", "*.dSYM",        "CMakeFiles",       "bazel-*",
};

// Never part of a program, whatever --no-default-ignore says: looking at the state of a work tree
// writes there.
constexpr std::array<const char*, 6> version_control = {".git", ".hg",    ".svn",
                                                        ".jj",  ".pijul", "_darcs"};

// What editors and running programs write: backups, locks, swap files, logs, databases' side files.
constexpr std::array<Glob, 27> files = {
    "*.py[cod]",   "*~",           "#*#",          ".#*",         ".*.sw?",
    ".*.sw?x",     "*.swp",        "*.swo",        "*.tmp",       "4913",
    "*___jb_*___", ".DS_Store",    "flycheck_*",   "*.log",       "*.pid",
    "*.sock",      "*.db",         "*.db-journal", "*.db-wal",    "*.db-shm",
    "*.sqlite3",   "*.lock.tmp",   "*.db.lock",    ".*.kate-swp", ".goutputstream-*",
    "*.sqlite3-*", "*.db.waiting",
};

std::string_view last_part(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool pattern_matches(std::string pattern, std::string_view path, bool directory) {
    const bool directories_only = pattern.ends_with('/');
    if (directories_only) pattern.pop_back();
    if (directories_only && !directory) return false;
    const bool whole = pattern.find('/') != std::string::npos;
    if (pattern.starts_with('/')) pattern.erase(0, 1);
    return Glob(pattern).matches(whole ? path : last_part(path), whole);
}

// What is left of the path below this directory; none when it is not below.
std::optional<std::string_view> below(std::string_view path, std::string_view directory) {
    if (directory.empty() || directory == ".") {
        if (path.starts_with('/')) return std::nullopt;
        return path;
    }
    while (directory.ends_with('/'))
        directory.remove_suffix(1);
    if (!path.starts_with(directory)) return std::nullopt;
    path.remove_prefix(directory.size());
    if (!path.starts_with('/')) return std::nullopt;
    while (path.starts_with('/'))
        path.remove_prefix(1);
    return path;
}

// Every character for itself. One that has no place on a command line is any one character.
std::string escape(std::string_view text) {
    std::string pattern;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            pattern += '?';
            continue;
        }
        const bool special = std::string_view("*?[]\\").find(c) != std::string_view::npos;
        // Nor may it be taken for an option.
        if (special || (c == '-' && pattern.empty())) pattern += '\\';
        pattern += c;
    }
    return pattern;
}

}  // namespace

std::vector<IgnoreLine> parse_ignore_lines(std::string_view text, const std::string& source) {
    std::vector<IgnoreLine> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t'))
            line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        IgnoreLine one;
        one.source = source;
        one.negated = line.front() == '!';
        if (one.negated) line.remove_prefix(1);
        if (line.starts_with("\\#") || line.starts_with("\\!")) line.remove_prefix(1);
        one.pattern = line;
        if (!one.pattern.empty()) lines.push_back(std::move(one));
    }
    return lines;
}

std::vector<std::string> parse_extensions(std::string_view list) {
    std::vector<std::string> result;
    for (;;) {
        const auto comma = list.find(',');
        std::string_view one = list.substr(0, comma);
        if (one.starts_with('.')) one.remove_prefix(1);
        if (one.empty() || one.find('/') != std::string_view::npos) return {};
        result.emplace_back(one);
        if (comma == std::string_view::npos) return result;
        list.remove_prefix(comma + 1);
    }
}

std::optional<std::string> PathRules::why_directory(std::string_view path) const {
    const auto said = said_by_user(path, true);
    if (said.ignored) return said.rule;
    const auto name = last_part(path);
    for (const char* history : version_control) {
        if (name == history) return std::string("default ") + history;
    }
    if (said.wanted || !rules_.defaults) return std::nullopt;
    if (name.starts_with('.')) return "default .*/";
    for (const auto& glob : directories) {
        if (glob.matches(name)) return "default " + glob.text() + "/";
    }
    return std::nullopt;
}

std::optional<std::string> PathRules::why_file(std::string_view path) const {
    const auto said = said_by_user(path, false);
    if (said.ignored) return said.rule;
    const auto name = last_part(path);
    if (!said.wanted && rules_.defaults) {
        for (const auto& glob : files) {
            if (glob.matches(name)) return "default " + glob.text();
        }
    }
    if (!passes_filter(path)) return "not in --exts or --filter";
    return std::nullopt;
}

PathRules::Said PathRules::said_by_user(std::string_view path, bool directory) const {
    for (const auto& pattern : rules_.ignore) {
        if (pattern_matches(pattern, path, directory)) return {true, false, "--ignore " + pattern};
    }
    Said said;
    for (const auto& line : rules_.lines) {
        if (!pattern_matches(line.pattern, path, directory)) continue;
        said = {!line.negated, line.negated, line.source + ": " + line.pattern};
    }
    return said;
}

bool PathRules::passes_filter(std::string_view path) const {
    if (rules_.exts.empty() && rules_.filter.empty()) return true;
    const auto name = last_part(path);
    for (const auto& ext : rules_.exts) {
        if (name.size() > ext.size() + 1 && name.ends_with(ext) &&
            name[name.size() - ext.size() - 1] == '.') {
            return true;
        }
    }
    for (const auto& pattern : rules_.filter) {
        if (pattern_matches(pattern, path, false)) return true;
    }
    return false;
}

std::optional<std::string> ignore_pattern(std::string_view path,
                                          const std::vector<std::string>& watched) {
    std::string_view rest;
    for (const auto& root : watched) {
        if (root == path) return std::nullopt;
        // Of two watched directories, one inside the other, the rules know the outer one.
        if (const auto found = below(path, root); found && found->size() > rest.size()) {
            rest = *found;
        }
    }
    if (rest.empty()) return std::nullopt;
    return escape(rest);
}

}  // namespace oneloop
