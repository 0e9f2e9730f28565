// delivering: a Deliverer with the real channels, the real clock and the real locks.
#pragma once

#include <memory>
#include <string>

#include "worker/config.h"
#include "worker/deliverer.h"
#include "worker/status_board.h"
#include "worker/zone.h"

namespace oneloop::worker {

// Over the channel's own way; `hidden` are the variables with secrets.
void send_by_kind(const Channel& channel, const std::vector<std::string>& hidden,
                  const Parcel& parcel, const Hooks& hooks, const std::stop_token& stop);
// The variables that the channels take their secrets from.
std::vector<std::string> secret_variables(const std::vector<Channel>& channels);

// Is the mail of this parcel in the mailbox of the channel?
Look look_by_kind(const Channel& channel, const Parcel& parcel, const std::stop_token& stop);

// One for each channel, so that a server that hangs holds up its own messages alone; the first
// also minds those of channels that are gone. `board` and what `may_continue` uses outlive them.
// Throws StoreError.
std::vector<std::unique_ptr<Deliverer>> make_deliverers(const Config& config,
                                                        const std::string& state, Zone zone,
                                                        StatusBoard& board,
                                                        std::function<bool()> may_continue);

}  // namespace oneloop::worker
