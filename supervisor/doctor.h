// doctor: `supervisor doctor`: what holds on this machine, and which processes besides ours are
// copies of the user's program. Looks, says, and ends only what it is told to end.
//
// Not for what a running supervisor does; it may run beside one at any time. One thread.
#pragma once

#include <string>
#include <vector>

namespace oneloop {

// Arguments after the name. 0: everything holds and nothing is left over. 1: something is weaker,
// or a leftover is there, or was not ended. 69: oneloop can't run here. 64: usage.
int run_doctor(const std::vector<std::string>& arguments);

}  // namespace oneloop
