// Permit: the right to poll, as locks that this process holds.
//
// Two of them. The worker's, which the supervisor's warden handed over (none with --standalone):
// it says that this is the one worker of its instance. The job's, next to the state file: it keeps
// a second instance, or a worker started by hand, from polling for the same job.
// Not for deciding whether to serve HTTP: a worker without a permit serves. Used by main until the
// polling thread starts, then by that thread.
#pragma once

#include <optional>
#include <string>

#include "common/lock_file.h"
#include "worker/standby.h"

namespace oneloop::worker {

class Permit {
  public:
    // `worker_lock`: what flag::prove_worker gave; none with --standalone.
    Permit(std::optional<LockFile> worker_lock, LockFile job_lock);

    // Takes the job's lock and writes who we are into it. False: somebody else holds it.
    Result<bool> try_take();

    // Listed as one who waits (standby.h), until the lock is ours or this process ends.
    void stand_by();

    // Who holds the job's lock, for people: "pid 4121 (worker --standalone), since 2025-11-25 ...".
    [[nodiscard]] std::string holder() const;

    // Empty while both locks still name what we locked. Otherwise why this process must never poll
    // again: somebody may hold the lock under the same name.
    [[nodiscard]] std::string lost() const;

  private:
    [[nodiscard]] LockRecord self() const;

    std::optional<LockFile> worker_lock_;
    LockFile job_lock_;
    std::optional<Standby> standby_;
};

// This process's command line, from /proc/self/cmdline.
std::string own_command();

}  // namespace oneloop::worker
