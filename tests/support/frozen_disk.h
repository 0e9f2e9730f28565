// FrozenDisk: a small ext4 of a test's own that can be frozen. Whoever writes to it then is in D
// state, which no signal ends, until it is thawed.
//
// Mounted in a mount namespace of the test's own. Thawed and unmounted with the object; and should
// the test be killed, by a process that waits for just that. Needs root, loop devices and
// mkfs.ext4: see problem().
#pragma once

#include <string>

#include "common/unique_fd.h"

namespace oneloop::test {

class FrozenDisk {
  public:
    // Moves the calling process, which must have one thread, into a mount namespace of its own.
    explicit FrozenDisk(const std::string& directory);
    ~FrozenDisk();
    FrozenDisk(const FrozenDisk&) = delete;
    FrozenDisk& operator=(const FrozenDisk&) = delete;

    // Why there is no disk; "" when there is one.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] std::string file(const std::string& name) const { return mounted_ + "/" + name; }
    [[nodiscard]] bool freeze() const;
    void thaw() const;

  private:
    void guard();

    std::string problem_;
    std::string mounted_;
    UniqueFd root_;     // of the disk, for the ioctls
    UniqueFd alive_;    // its closing wakes the guard
    UniqueFd guarded_;  // at its end the guard has cleaned up
};

}  // namespace oneloop::test
