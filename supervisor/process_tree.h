// process_tree: a process and everything below it with age and memory, read from /proc.
//
// For people to look at (supervisor ps). A look, not a lock: nothing may be decided by it. Not for
// our own children (descendants) and not for strangers (process_table). Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace oneloop {

struct TreeProcess {
    pid_t pid = 0;
    int depth = 0;                     // 0: the root
    std::string command;               // arguments joined by blanks; "[name]" when there are none
    double age = 0;                    // seconds
    std::uint64_t rss = 0;             // bytes
    std::optional<std::uint64_t> pss;  // bytes: shared pages divided among those who share them
    bool warden = false;
};

// The root first, each process before those below it. Empty when there is no such process.
// Processes that end meanwhile are left out.
std::vector<TreeProcess> read_tree(pid_t root);

}  // namespace oneloop
