// file_watcher: inotify on trees and single files.
//
// Tells of every change that counts by the rules and by its bytes, in kernel order, and of lost
// events. Not for when a burst is over (change_gate). On the loop's thread.
//
// A directory is known by its watch descriptor and its parent, because it may be renamed while it
// is watched.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "supervisor/change_gate.h"
#include "supervisor/path_rules.h"
#include "supervisor/poll_rule.h"

namespace oneloop {

class FileWatcher {
  public:
    struct Compared {
        std::size_t files = 0;
        std::size_t changed = 0;
        bool complete = true;  // false: a directory could not be read, so anything may be there
    };
    struct Events {
        // `fresh`: nothing was there before.
        std::function<void(const std::string& path, ChangeKind kind, bool fresh)> changed;
        // It was saved, or is there again, and holds the same bytes.
        std::function<void(const std::string& path)> unchanged;
        // The queue overflowed. What differs from what was known was told before this.
        std::function<void(const Compared& compared)> lost;
        std::function<void(const std::string& text)> warning;
    };
    struct Counts {
        std::size_t directories = 0;
        std::size_t files = 0;
        std::size_t ignored = 0;  // files and directories a rule excluded
    };

    struct Setup {
        std::vector<std::string> paths;  // directories, with all that is in them, and files
        // Files whose disappearance is no change, because a program that is being rebuilt is absent
        // for a while.
        std::vector<std::string> programs;
        PathRules rules;
        bool vcs_ignore = true;  // .gitignore counts
        PollOptions polling;
        bool content = true;  // only other bytes are a change; else every save is
        // A link to a directory that was just made is followed after this; less than the removal of
        // a file is in doubt.
        Duration links_settle = std::chrono::milliseconds(20);
    };
    // Armed when it returns. Throws WatchError when a path can't be read or watched.
    FileWatcher(boost::asio::io_context& io, Setup setup, Events events);
    ~FileWatcher();
    FileWatcher(const FileWatcher&) = delete;
    FileWatcher& operator=(const FileWatcher&) = delete;

    [[nodiscard]] Counts counts() const;
    // Tells now what has happened until now.
    void catch_up();

    // To be told by whoever was told of changes; see content_watch.
    void worker_starts();
    void removal_counted(const std::string& path);
    void count_next(const std::string& path);
    // Compares every file with what is remembered of it, in pauses, and tells what differs.
    void compare_soon();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

struct WatchError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace oneloop
