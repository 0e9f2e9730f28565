// token_file: the secret that changes need, in a file of its owner's alone.
//
// Made on the first start, 32 random bytes in hexadecimal; who can read the file may change things.
// Not for comparing it (gate.h). Once at start, in main.
#pragma once

#include <string>

#include "common/result.h"

namespace oneloop::worker {

// Beside the state file: STATE.token.
std::string token_path(const std::string& state);

// The token in `path`, made when there is none; its directory exists. A file that others may read
// or that is somebody else's is refused.
Result<std::string> load_token(const std::string& path);

}  // namespace oneloop::worker
