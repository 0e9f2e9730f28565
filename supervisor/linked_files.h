// linked_files: what else was written when a file was: links that lead to it, from a watched tree.
//
// inotify tells of a file in the directory where it lies, never at the links that lead to it. So
// each directory that holds such a file has a watch, in the tree or not. Links to directories are
// watch_links' matter; polling needs none of this, since stat(2) follows. On the loop's thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace oneloop {

class LinkedFiles {
  public:
    using Place = std::pair<int, std::string>;  // a watch, and a name in its directory
    static constexpr int no_watch = -1;

    // `inotify`: a descriptor; -1: everything is polled.
    explicit LinkedFiles(int inotify) : inotify_(inotify) {}

    // `path` is what lies at `place`: a link, or not one any more. False and errno: nothing tells
    // when its target is written.
    bool look(const Place& place, const std::string& path);
    // Each link on the way to a root. Their place has no watch, and the root's path as its name.
    bool look_at_root(const std::string& path);

    // What leads to the name in the directory of `wd`.
    [[nodiscard]] std::vector<Place> leading_to(int wd, const std::string& name) const;
    [[nodiscard]] bool watches(int wd) const;
    // The directory of these links is no longer watched.
    void forget_links_in(int wd);
    // The kernel has ended the watch.
    void forget_target(int wd);

  private:
    bool follow(const Place& link, const std::string& target);
    void drop(const Place& link);

    int inotify_;
    std::map<Place, std::set<Place>> links_;  // by what they lead to
    std::map<Place, Place> targets_;          // by link
};

}  // namespace oneloop
