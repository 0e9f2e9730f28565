// ticker: what is noted of the polling thread's doings, for the journal.
//
// Not for the promises: it is called after a tick was stored, and when it fails the tick stands.
// The polling thread's.
#pragma once

#include <map>
#include <string>

#include "worker/poller.h"
#include "worker/status.h"
#include "worker/store_journal.h"
#include "worker/tick_note.h"

namespace oneloop::worker {

class Ticker {
  public:
    // Notes that this process polls now. `self`: who it is. Throws StoreError.
    Ticker(const std::string& state, const Snapshot& self);

    // Gives the poller its `ticked`, `muted` and `paused`; this object outlives it.
    void attach(Poller::Parts& parts);

  private:
    void ticked(const TickReport& report);
    bool muted(const std::string& watch);

    Journal journal_;
    std::map<std::string, SourceSince> sources_;
    std::string said_;  // a full disk is one line, not one a tick
};

}  // namespace oneloop::worker
