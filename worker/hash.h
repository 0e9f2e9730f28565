// hash: names for events and messages that come out the same when the same thing is told again,
// also by a process that was started from a backup of the state file.
//
// SHA-256 (FIPS 180-4) as an identifier; nothing here keeps a secret. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace oneloop::worker {

std::array<std::uint8_t, 32> sha256(std::string_view text);

// 26 characters a-z and 2-7 (RFC 4648 base32 in lower case), from the first 128 bits of the hash
// of all parts. Each part counts with its length, so that "ab","c" and "a","bc" differ.
std::string name_for(const std::vector<std::string>& parts);

}  // namespace oneloop::worker
