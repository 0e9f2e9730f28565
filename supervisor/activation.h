// activation: listening sockets that the service manager hands to us: those of a .socket unit, and
// those that an earlier run of ours gave it to keep (sd_listen_fds(3), FileDescriptorStoreMax=).
//
// Not for what becomes of them (listening), nor for those of a supervisor that we take over from
// (handover). Read once, before flag::all() is removed from the environment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "supervisor/sockets.h"

namespace oneloop {

struct GivenSocket {
    UniqueFd fd;
    std::string name;  // FileDescriptorName=, or what we called it when we gave it away
};

// From LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES; all close-on-exec. Empty when they are not for
// this process.
std::vector<GivenSocket> take_given_sockets();

// What a socket that was bound for `spec` is called while the manager keeps it. None when the
// manager can't call it so: 255 printable characters of ASCII at most.
std::optional<std::string> keep_name(const SocketSpec& spec);
bool is_keep_name(const std::string& name);

}  // namespace oneloop
