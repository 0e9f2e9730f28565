// mute: what is left of a tick's messages when a person does not want any.
//
// Pure; any thread.
#pragma once

#include "worker/bulletin.h"

namespace oneloop::worker {

// Events are recorded and count as told. That a source fails, or that messages were lost, is told
// later. No message is written.
Alerts silenced(Alerts alerts);

}  // namespace oneloop::worker
