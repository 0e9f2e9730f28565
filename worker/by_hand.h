// by_hand: a person's word about one message, to send it again or to let it be.
//
// The same for whoever brings it, the command line and HTTP. Not for what may be decided
// (outbox.h).
#pragma once

#include <string>

#include "worker/store_outbox.h"

namespace oneloop::worker {

enum class ByHand {
    done,
    unknown,    // there is no such message
    not_open,   // in its phase nobody is asked
    forgotten,  // it can't be sent again: its text is gone
    changed,    // somebody else was quicker
};

// `again`: send it once more; otherwise it is skipped. `key`: of the message. Throws StoreError.
ByHand decide_by_hand(OutboxStore& store, const std::string& key, bool again, WallTime now);

}  // namespace oneloop::worker
