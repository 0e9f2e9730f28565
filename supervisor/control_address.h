// control_address: where the control socket is, as bind(2) and connect(2) want it. Both ends use
// it.
#pragma once

#include <sys/un.h>

#include <string>

#include "supervisor/control_protocol.h"

namespace oneloop {

// unix(7) leaves 108 bytes for a path. A longer one is reached through `fd`, an open descriptor of
// the directory, which has to stay open until bind or connect has returned.
inline sockaddr_un control_address(const std::string& directory, int fd) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string path = directory + "/" + control::socket_name;
    if (path.size() >= sizeof address.sun_path) {
        path = "/proc/self/fd/" + std::to_string(fd) + "/" + control::socket_name;
    }
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

}  // namespace oneloop
