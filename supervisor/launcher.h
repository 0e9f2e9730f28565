// launcher: starts the warden with exactly the descriptors it is to have.
//
// Our own instead of Boost.Process's: the launchers of 1.81 leak descriptors, leave a zombie after
// a failed exec and run destructors in the child (docs/decisions/0002-launcher.md). What it returns
// is handed to Boost.Process's handle. Call it only from the thread that ends last.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "supervisor/isolation.h"

namespace oneloop {

struct LaunchRequest {
    int executable = -1;                   // O_PATH descriptor
    std::vector<std::string> arguments;    // argv, from argv[0] on
    std::vector<std::string> environment;  // "NAME=value"
    std::vector<int> descriptors;          // become 3, 4, … in the child; all others are closed
    Isolation isolation = Isolation::subreaper;
    bool keep_stdin = false;  // else /dev/null
    bool autokill = false;    // its end with the last reference to the pidfd; then nobody can wait
};

struct Launched {
    pid_t pid = 0;
    UniqueFd pidfd;  // where autokill was asked for, the only reference
};

// A child on its way to its exec.
struct Launching {
    Launched child;
    UniqueFd failure;  // closed by the exec; before that, what failed
};

// In two halves, so that the caller can do something else while the child gets ready, where it is a
// copy of ours (autokill, sanitizers, a kernel that refuses the other way). Standard output and
// error are ours. Mask and dispositions are the default ones. Error: clone3(2) or clone(2) failed.
Result<Launching> begin_launch(const LaunchRequest& request);
// Waits for the exec. Error: a step before it or execveat(2) failed; then no child is left.
Result<Launched> finish_launch(Launching launching);

}  // namespace oneloop
