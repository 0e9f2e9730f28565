// poll_rule: is this a part of the tree whose changes the kernel does not tell, and how often is it
// looked at?
//
// Pure: facts in, a reason out. Not for finding the facts (tree_reader) and not for looking
// (tree_comparer).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.h"

namespace oneloop {

struct PollOptions {
    enum class When { automatic, always, never };
    When when = When::automatic;
    Duration every = std::chrono::milliseconds(500);
};

// Of statfs(2), f_type. The name of a file system on which somebody else may write, so that inotify
// hears half of it or nothing; none for a local one.
[[nodiscard]] std::optional<std::string> silent_file_system(std::int64_t type);

// A pass over everything that is polled may take a tenth of the time, so a large tree is looked at
// less often.
[[nodiscard]] Duration until_next_pass(Duration every, Duration last_pass);

// What to set fs.inotify.max_user_watches to: what a large tree needs, and more than there is.
[[nodiscard]] std::uint64_t enough_watches(std::uint64_t now);
// The same for fs.inotify.max_user_instances: one for each supervisor, editor, and desktop program.
[[nodiscard]] std::uint64_t enough_instances(std::uint64_t now);

}  // namespace oneloop
