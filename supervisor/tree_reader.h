// tree_reader: arms watches on directories, remembers what lies in them, and compares later.
//
// A part of file_watcher, which reads what inotify tells. A watch is added first and the directory
// is read afterwards, so that a file made in between is seen at least once. On the loop's thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "supervisor/content_watch.h"
#include "supervisor/file_watcher.h"
#include "supervisor/path_rules.h"
#include "supervisor/watch_tree.h"

namespace oneloop {

class TreeReader {
  public:
    // All of them outlive it. `inotify`: a descriptor.
    TreeReader(int inotify, const PathRules& rules, WatchTree& tree, ContentWatch& content,
               const FileWatcher::Events& events)
        : inotify_(inotify), rules_(rules), tree_(tree), content_(content), events_(events) {}

    // Throw WatchError.
    void add_root(const std::string& path);
    void add_file(const std::string& path, bool program);

    // A directory in a watched one. `tell`: its files are news.
    void add_directory(int parent, const std::string& name, bool tell);
    void forget(int wd);

    // Each file against what is remembered of it; what differs is told. The directories made
    // meanwhile get their watch.
    FileWatcher::Compared compare();

    [[nodiscard]] const FileWatcher::Counts& counts() const { return counts_; }

    // Tells of a file that was saved, if its bytes are others. True: it was told.
    bool tell_saved(int wd, const std::string& name, bool say_unchanged);

  private:
    int add_watch(const std::string& path) const;
    void watch_file(const std::string& path, bool program);
    int scan(int wd, bool tell);
    void scan_file(int wd, int directory, const std::string& name, bool tell);
    bool compare(int wd, FileWatcher::Compared& compared);
    void compare_file(int wd, int directory, const std::string& name,
                      FileWatcher::Compared& compared);

    int inotify_;
    const PathRules& rules_;
    WatchTree& tree_;
    ContentWatch& content_;
    const FileWatcher::Events& events_;
    FileWatcher::Counts counts_;
    std::vector<int> roots_;
};

}  // namespace oneloop
