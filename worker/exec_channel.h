// exec_channel: a message handed to a program of the user's, on its standard input.
//
// No shell. ONELOOP_MESSAGE_KEY and ONELOOP_MESSAGE_SUBJECT are in its environment, and nothing
// that is a worker's or a secret of another channel. It has its own process group, which is ended
// with it, and a time limit. Exit 0 means that it has the message; any other code that it has not.
// Blocks; on the delivering thread.
#pragma once

#include <string>
#include <vector>

#include "worker/mailer.h"

namespace oneloop::worker {

// `hidden`: names of variables that the program must not see.
void run_program(const Channel& channel, const std::vector<std::string>& hidden,
                 const Parcel& parcel, const Hooks& hooks);

}  // namespace oneloop::worker
