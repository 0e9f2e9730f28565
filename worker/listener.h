// listener: the listening socket, handed over or our own.
//
// A handed-over one stays open in the supervisor, so that no connection is refused while a worker
// is replaced. Plain system calls; accepting is http_server's. Called in main before any thread.
#pragma once

#include <cstdint>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace oneloop::worker {

struct Listener {
    UniqueFd fd;
    std::string where;  // "http://127.0.0.1:5000"
    bool handed_over = false;
};

// The first socket handed over with LISTEN_FDS and LISTEN_PID (sd_listen_fds(3)); an empty fd when
// there is none for this process. All handed-over descriptors become close-on-exec.
// Errors: it is no listening TCP socket.
Result<Listener> adopt_listener();

// Binds to a numeric address or "localhost"; port 0 lets the kernel choose. The error of a port in
// use says by whom when /proc shows it.
Result<Listener> open_listener(const std::string& host, std::uint16_t port);

}  // namespace oneloop::worker
