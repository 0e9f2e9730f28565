// curl_look: is a mail of ours in a mailbox? Over IMAP (RFC 9051, SEARCH), by its Message-ID.
//
// For a mail that was handed over and not answered: a server that files a copy of everything that
// it accepts knows. Not for reading mail, and not for what follows (outbox.h). Blocks; called on
// the delivering thread of the channel.
#pragma once

#include <stop_token>
#include <string>

#include "worker/channel.h"

namespace oneloop::worker {

// `id` with its angle brackets. After a stop: CouldNotLook, within a second or so.
Look look_for(const Channel& channel, const std::string& id, const std::stop_token& stop);

}  // namespace oneloop::worker
