// control_address: where the control socket is, as bind(2) and connect(2) want it, and the binding
// itself. Not for what is spoken there (control_protocol). Any thread, but see listen_for_control.
#pragma once

#include <sys/un.h>

#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace oneloop {

// unix(7) leaves 108 bytes for a path. A longer one is reached through `fd`, an open descriptor of
// the directory, which has to stay open until bind or connect has returned.
sockaddr_un control_address(const std::string& directory, int fd);

// A listening socket, 0600, in place of one that a dead supervisor left. `fd` is a descriptor of
// the directory. Sets the umask for a moment: one thread. Errors name the step and the path.
Result<UniqueFd> listen_for_control(const std::string& directory, int fd);

}  // namespace oneloop
