// unix_socket: a listening Unix socket at a path, which unlike a port outlives who bound it.
//
// A path whose owner is dead is replaced; one at which somebody listens is not touched, and neither
// is a file that is no socket. Two that start at once are kept apart by a lock on the directory
// (flock(2); it leaves no file). Abstract names have no path and none of these troubles: not here.
// Waits at most two seconds. Any thread.
#pragma once

#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace oneloop {

// Close-on-exec; who may connect, the umask says. EADDRINUSE: somebody listens there, and the text
// says who; EEXIST: the path is no socket.
Result<UniqueFd> listen_at(const std::string& path);

// Removes the path when it is a socket at which nobody listens any more. To be called when ours is
// closed: whom it was handed over to, keeps the path.
void remove_if_unused(const std::string& path);

}  // namespace oneloop
