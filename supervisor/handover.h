// handover: listening sockets on their way from a supervisor that ends to the one that takes over
// (docs/control.md, "release").
//
// Both ends of it. The connections that wait in a socket's backlog come with it. What arrives is
// believed only as far as it can be looked at, and every descriptor is either kept or closed. Not
// for who may ask and when the time has come (control), nor for a holder that does not answer
// (takeover). Waits, with deadlines. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "supervisor/sockets.h"

namespace oneloop {

// One message carries no more: unix(7), SCM_RIGHTS. The others are closed with their supervisor.
inline constexpr std::size_t most_handed_over = 253;

// The line and the descriptors. How many were handed over; none when the kernel does not let them
// through. An error when nobody is there to get them, or who is does not read until `deadline`.
Result<std::size_t> send_sockets(int connection, const std::vector<ListenSocket>& sockets,
                                 SteadyTime deadline);

struct Handover {
    pid_t from = 0;
    bool gone = false;  // the supervisor has ended; else it had to and did not in time
    std::vector<ListenSocket> sockets;
    std::vector<std::string> trouble;  // what was not as said, and closed
};

// The answer to a release. Error codes as below.
Result<Handover> receive_sockets(int connection, SteadyTime deadline);

// Asks the supervisor of `directory` to stop and to hand its sockets over, and waits for its end.
// Error codes:
//   EBUSY      it stopped for somebody else, who asked first and has the sockets; the text says who
//   ETIMEDOUT  it was told to stop and has not within `patience`
//   others     it was not told: nobody answers, or it is a version that can't hand over
Result<Handover> request_release(const std::string& directory, std::chrono::milliseconds patience);

}  // namespace oneloop
