// channel_test: one message through a channel now, outside the outbox.
//
// For `worker --test-channel` and the page. Blocks until the receiver has answered.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "worker/config.h"

namespace oneloop::worker {

struct TestResult {
    std::string recipient;  // empty: the channel has none
    bool good = false;
    std::string reply;
};

// One for each recipient; none: there is no such channel.
std::vector<TestResult> try_channel(const Config& config, const std::string& id,
                                    const std::stop_token& stop = {});

}  // namespace oneloop::worker
