// watch_tree: which directory each watch descriptor stands for.
//
// Plain data with its paths, no system calls. A directory is known by its parent and its name, not
// by a path, because it may be renamed while it is watched.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "supervisor/content_rule.h"

namespace oneloop {

// What is remembered of the files of one directory. A hundred thousand of them have to fit into a
// few megabytes, so it is a sorted vector and no map.
class KnownFiles {
  public:
    struct File {
        std::string name;
        Fingerprint print;
    };
    [[nodiscard]] Fingerprint* find(std::string_view name);
    void set(const std::string& name, const Fingerprint& print);
    void erase(std::string_view name);
    // Many at once, in any order. What is known stays as it is.
    void add(std::vector<File> files);
    [[nodiscard]] std::vector<File>& all() { return files_; }

  private:
    std::vector<File>::iterator place(std::string_view name);
    std::vector<File> files_;
};

struct WatchNode {
    int parent = -1;              // watch descriptor, or -1 for a root
    std::string name;             // inside the parent; of a root: its path as given
    bool recursive = false;       // everything in it counts; else only `files` and `programs`
    std::set<std::string> files;  // named by the user: beat every rule
    std::set<std::string> programs;
    std::set<std::string> rules;  // their change changes what counts
    std::map<std::string, int> children;
    KnownFiles known;
};

// A directory that is polled has a number that inotify does not give: it counts up from 1.
constexpr int first_polled = 1 << 30;
constexpr bool is_polled(int wd) {
    return wd >= first_polled;
}

struct WatchTree {
    std::unordered_map<int, WatchNode> nodes;  // by watch descriptor

    // The path from its root, "" for a root itself. `wd` must be known.
    [[nodiscard]] std::string relative(int wd) const;
    // Of its root: the path as given.
    [[nodiscard]] const std::string& root(int wd) const;
    // The path as people know it: the root as given, then the rest.
    [[nodiscard]] std::string full(int wd) const;
};

// "app" + "x.py" = "app/x.py"; nothing and "." disappear.
std::string join_path(const std::string& directory, const std::string& name);
std::string parent_path(const std::string& path);  // "." when there is none
std::string last_name(const std::string& path);

}  // namespace oneloop
