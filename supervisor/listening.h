// listening: which sockets this run listens on, and where each comes from: handed over by the
// supervisor before, given by the service manager, or bound now.
//
// Not for how a socket is bound (sockets). Before the loop; one thread.
#pragma once

#include <vector>

#include "common/notify.h"
#include "common/result.h"
#include "supervisor/activation.h"
#include "supervisor/sockets.h"

namespace oneloop {

// One socket for each of `wanted`, in its order. A .socket unit's takes the place of the one with
// its name or its address; if there is none, it is wanted too and added at the end. What is bound
// now is given to the manager to keep, so that the next run has it with the connections that wait.
// Error: an address can't be had, or what was given is no listening stream socket.
Result<std::vector<ListenSocket>> open_sockets(std::vector<SocketSpec>& wanted,
                                               std::vector<ListenSocket> handed,
                                               std::vector<GivenSocket> given,
                                               const ServiceManager& manager);

}  // namespace oneloop
