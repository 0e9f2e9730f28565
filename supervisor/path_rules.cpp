#include "supervisor/path_rules.h"

#include <fnmatch.h>

#include <array>

namespace oneloop {
namespace {

// Build results, caches and dependencies. Directories whose name begins with a dot are ignored as
// well (version control, editors), unless they are named with --watch.
constexpr std::array<const char*, 14> directories = {
    "__pycache__", "venv",    "node_modules",  "bower_components", "coverage",
    "target",      "build",   "cmake-build-*", "build-*",          "_darcs",
    "*.egg-info",  "htmlcov", "*.dSYM",        "CMakeFiles",
};

// What editors and running programs write: backups, locks, swap files, logs, databases' side files.
constexpr std::array<const char*, 26> files = {
    "*.py[cod]",   "*~",         "#*#",          ".#*",         ".*.sw?",
    ".*.sw?x",     "*.swp",      "*.swo",        "*.tmp",       "4913",
    "*___jb_*___", ".DS_Store",  "flycheck_*",   "*.log",       "*.pid",
    "*.sock",      "*.db",       "*.db-journal", "*.db-wal",    "*.db-shm",
    "*.sqlite3",   "*.lock.tmp", "*.db.lock",    ".*.kate-swp", ".goutputstream-*",
    "*.sqlite3-*",
};

std::string_view last_part(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool matches(const char* pattern, std::string_view text, int flags = 0) {
    return ::fnmatch(pattern, std::string(text).c_str(), flags) == 0;
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

bool PathRules::ignores_directory(std::string_view path) const {
    const auto name = last_part(path);
    if (name.starts_with('.')) return true;
    for (const char* pattern : directories) {
        if (matches(pattern, name)) return true;
    }
    return ignored_by_user(path, true);
}

bool PathRules::ignores_file(std::string_view path) const {
    const auto name = last_part(path);
    for (const char* pattern : files) {
        if (matches(pattern, name)) return true;
    }
    return ignored_by_user(path, false);
}

bool PathRules::ignored_by_user(std::string_view path, bool directory) const {
    const auto name = last_part(path);
    for (const auto& given : ignore_) {
        std::string pattern = given;
        const bool directories_only = pattern.ends_with('/');
        if (directories_only) pattern.pop_back();
        if (directories_only && !directory) continue;
        const bool whole = pattern.find('/') != std::string::npos;
        // FNM_PATHNAME: a star does not cross a slash, as in every ignore file.
        if (matches(pattern.c_str(), whole ? path : name, whole ? FNM_PATHNAME : 0)) return true;
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
