// cleaner: removes the directories of instances that nobody starts any more.
//
// The one place where a lock file goes. It is safe because the whole directory is renamed while
// both locks are held: from then on nobody reaches the old files by their path, whoever has opened
// them before finds that the path names another inode (LockFile), and a new start makes new ones.
// Any thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/clock.h"

namespace oneloop {

struct Cleaned {
    std::string directory;
    bool removed = false;
    std::string reason;  // why it was removed, or why not
};

// One entry for each directory that is ready to go; those still of use are not listed.
std::vector<Cleaned> clean_instances(const std::vector<std::string>& directories, WallTime now);

}  // namespace oneloop
