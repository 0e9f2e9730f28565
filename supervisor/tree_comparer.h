// tree_comparer: each file against what is remembered of it, when inotify told nothing: its queue
// overflowed, something was mounted, the machine slept, a worker has become ready.
//
// A part of file_watcher. One directory at a time, so that it can be done in pauses. On the loop's
// thread.
#pragma once

#include <string>
#include <vector>

#include "supervisor/tree_reader.h"

namespace oneloop {

class TreeComparer {
  public:
    // All of them outlive it.
    TreeComparer(TreeReader& reader, WatchTree& tree, ContentWatch& content,
                 const FileWatcher::Events& events)
        : reader_(reader), tree_(tree), content_(content), events_(events) {}

    void begin();
    void begin(std::vector<int> directories);
    // Compares one directory and tells what differs. False: there was none left.
    bool step();
    [[nodiscard]] bool busy() const { return !queue_.empty(); }
    // Since begin().
    [[nodiscard]] const FileWatcher::Compared& result() const { return compared_; }

  private:
    void compare(int wd);
    void compare_file(int wd, int directory, const std::string& name);
    void compare_child(int wd, const std::string& name, bool link);
    void tell_gone(int wd, const std::vector<std::string>& there);

    TreeReader& reader_;
    WatchTree& tree_;
    ContentWatch& content_;
    const FileWatcher::Events& events_;
    std::vector<int> queue_;
    FileWatcher::Compared compared_;
};

}  // namespace oneloop
