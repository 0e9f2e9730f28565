// content_rule: is this a change? By what a file was and what it is.
//
// Pure. Not for reading files (content) and not for which files count (path_rules).
//
// Only other bytes are a change. Whoever is in doubt says "changed": a restart too many costs a
// moment, an edit that no worker has seen costs a person's afternoon.
#pragma once

#include <cstdint>
#include <optional>

#include "common/clock.h"

namespace oneloop {

// What is remembered of a file.
struct Fingerprint {
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;  // since the epoch, as stat(2) has it
    std::int64_t status_ns = 0;    // st_ctim: no program can set it
    std::uint64_t inode = 0;
    std::uint64_t hash = 0;  // of the bytes; 0: not known
    friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

// Beyond this size a file is known by its size and its time of modification.
constexpr std::uint64_t most_hashed = 16U << 20U;

enum class Sameness {
    unchanged,
    changed,
    unread,  // the hash of what is there now decides
};

// `known`: what the worker has, or may have read. An older time of modification is a change like a
// newer one: a copy of an old version keeps its time.
[[nodiscard]] Sameness judge(const Fingerprint& known, const Fingerprint& now);

// No system call has touched it since: not even worth reading. The kernel's clock for files ticks
// in steps of up to 10 ms, so two writes within one look like one.
[[nodiscard]] bool untouched(const Fingerprint& known, const Fingerprint& now);

// A hash that is taken now is a hash of what a worker has read that was started at `started_ns`
// (since the epoch): nothing was written since.
[[nodiscard]] bool older_than(const Fingerprint& now, std::int64_t started_ns);

// How much may be read before a change is told, so that deciding never delays a restart: a full
// bucket is 16 MiB, some 5 ms of reading and hashing, and is full again after a tenth of a second.
class ReadBudget {
  public:
    // True: read it now. False: too much was read lately, so the change counts.
    bool take(std::uint64_t size, SteadyTime now);

  private:
    std::uint64_t left_ = most_hashed;
    std::optional<SteadyTime> filled_;
};

}  // namespace oneloop
