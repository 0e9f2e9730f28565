// witness: a name in the kernel that says "this instance runs", beside the lock files.
//
// Files can be deleted: who then locks a new file of the same name would be the second. An abstract
// Unix socket address (unix(7)) cannot: it is gone when the last process that has the socket is
// gone, and those are the supervisor and its warden, which ends when nothing of its generation is
// left. Not a replacement of worker.lock: the name is one per network namespace and the worker does
// not hold it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace oneloop {

// Binds the name of the instance whose directory this is. While a process of the same user (or of
// root) has it, tries again for `patience`: the warden of a supervisor that was just killed needs
// some milliseconds. A name that a stranger took is no obstacle: then there is no witness (an empty
// descriptor) and the lock files stand alone. Errors:
//   EADDRINUSE  the supervisor that took it lives; the text names its pid
//   ESTALE      that supervisor is dead, and something of its run (a stopped warden) has kept the
//   name
Result<UniqueFd> take_witness(const std::string& directory, std::chrono::milliseconds patience);

}  // namespace oneloop
