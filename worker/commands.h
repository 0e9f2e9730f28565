// commands: what `worker --NAME` does instead of polling and serving. Each returns an exit code.
#pragma once

#include <functional>
#include <string>

#include "worker/config.h"
#include "worker/options.h"
#include "worker/poller.h"

namespace oneloop::worker {

// One message through this channel, outside the outbox; prints what was answered.
int test_channel(const Config& config, const std::string& id);

// The page's address with the token that changes need; makes one when there is none.
int show_token(const Config& config, const std::string& state);

// The messages of the state file that wait, are uncertain, or were given up.
int show_outbox(const std::string& state);
// What a person decides about one. A worker that runs sees it within a second.
int settle_by_hand(const std::string& state, const std::string& key, bool again);

// Each watch once, with an empty memory: prints what would be told, as text. `parts` without
// `print` and `wrote`.
int dry_run(const Config& config, Poller::Parts parts, const Style& style);
// The same with another crank than one round.
int with_empty_memory(const Config& config, Poller::Parts parts, const Style& style,
                      const std::function<void(Poller&)>& turn);

// The state file for whoever holds the job's lock; one that is damaged is set aside, which is said
// loudly for a day. Throws StoreError.
Store open_for_polling(const Config& config, const std::string& state);

// What is due is polled, stored and told, and what waits is tried once. For who holds the job's
// lock. `parts` without `print` and `wrote`.
int poll_once(const Config& config, const std::string& state, Store store, Poller::Parts parts,
              const Style& style);

}  // namespace oneloop::worker
