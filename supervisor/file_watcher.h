// file_watcher: inotify on trees and single files.
//
// Tells of every change that counts by the rules, in kernel order, and of lost events. Not for when
// a burst is over (change_gate). On the loop's thread.
//
// New directories: the watch is added first and the directory is read afterwards, so that a file
// made in between is seen at least once. A directory is known by its watch descriptor and its
// parent, because it may be renamed while it is watched.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "supervisor/change_gate.h"
#include "supervisor/path_rules.h"

namespace oneloop {

class FileWatcher {
  public:
    struct Events {
        std::function<void(const std::string& path, ChangeKind kind)> changed;
        std::function<void()> lost;  // the queue overflowed; all trees were read again
        std::function<void(const std::string& text)> warning;
    };
    struct Counts {
        std::size_t directories = 0;
        std::size_t files = 0;
        std::size_t ignored = 0;  // files and directories a rule excluded
    };

    // Armed when it returns. Throws WatchError when a path can't be read or watched.
    // `paths`: directories (recursive) and files. `programs`: files whose disappearance is no
    // change, because a program that is being rebuilt is absent for a while.
    FileWatcher(boost::asio::io_context& io, const std::vector<std::string>& paths,
                const std::vector<std::string>& programs, PathRules rules, Events events);
    ~FileWatcher();
    FileWatcher(const FileWatcher&) = delete;
    FileWatcher& operator=(const FileWatcher&) = delete;

    [[nodiscard]] Counts counts() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

struct WatchError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace oneloop
