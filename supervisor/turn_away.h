// turn_away: tells who waits at a listening socket that nobody will come.
//
// For the end that no retry cures, a mistake in the options or the configuration, under a service
// manager that keeps the socket: a connection that nobody takes would have us started again at
// once, and again. Each one that waits gets a 503 with the reason. Not for a worker that is down
// for a while (down_answer). Blocks, for a second at most.
#pragma once

#include <string>

namespace oneloop {

// `listening`: of the type SOCK_STREAM. Other than TCP it is only closed.
void turn_away(int listening, const std::string& why);

}  // namespace oneloop
