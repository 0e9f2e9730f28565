// Standby: who waits to poll for a job that another process polls for.
//
// A file beside the state with a place for each: whoever waits holds a lock on its place
// (F_OFD_SETLK, fcntl(2)) and has written there who it is. The lock is the fact: the kernel drops
// it with the process, so that one who was killed is not listed, and nobody has to give signs of
// life. Like a lock file it stays where it is when nobody waits.
// Not for the right to poll, which is a lock on another file (permit.h): that this one can't be
// written keeps nobody from waiting. Who holds one keeps it to itself; standbys_of is any thread's.
#pragma once

#include <string>
#include <vector>

#include "common/lock_file.h"
#include "common/unique_fd.h"

namespace oneloop::worker {

class Standby {
  public:
    // Beyond so many nobody is listed. They wait all the same.
    static constexpr int most = 64;

    // `state`: the state file that they wait for. Errors: open(2)'s, fcntl(2)'s, or all places are
    // taken.
    static Result<Standby> announce(const std::string& state, const LockRecord& who);

  private:
    explicit Standby(UniqueFd place) : place_(std::move(place)) {}
    UniqueFd place_;
};

// In the order of their places. A command is cut where its place ends.
std::vector<LockRecord> standbys_of(const std::string& state);

}  // namespace oneloop::worker
