// print_config: what the configuration means, for --print-config. No secret is in it, only where
// each comes from. Values in, text out.
#pragma once

#include <string>

#include "worker/config.h"

namespace oneloop::worker {

std::string print_config(const Config& config);

}  // namespace oneloop::worker
