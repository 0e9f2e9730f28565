// worker_cgroup: the control group of one instance's worker, where ours is ours to divide.
//
// Below the supervisor's own group (cgroup v2), named after the instance, so that the next start
// finds what a killed run has left in it, whatever that did to its environment and its
// descriptors. Made once, emptied with each generation, removed at the end. Not for who is put
// into it (generation). Before the loop; one thread.
#pragma once

#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace oneloop {

// "oneloop-UUID"
std::string cgroup_name(const std::string& uuid);

// In the instance's directory: where its group was, for the next start.
inline constexpr const char* cgroup_record_name = "cgroup";

class WorkerCgroup {
  public:
    WorkerCgroup() = default;
    ~WorkerCgroup() { remove(); }
    WorkerCgroup(WorkerCgroup&&) noexcept = default;
    WorkerCgroup& operator=(WorkerCgroup&&) noexcept = default;
    WorkerCgroup(const WorkerCgroup&) = delete;
    WorkerCgroup& operator=(const WorkerCgroup&) = delete;

    // Makes it and writes its path into `directory`, the instance's. Error: it can't be made.
    static Result<WorkerCgroup> make(const std::string& directory, const std::string& uuid);

    [[nodiscard]] int descriptor() const { return directory_.get(); }  // -1: there is none
    [[nodiscard]] const std::string& path() const { return path_; }
    void remove();

  private:
    UniqueFd directory_;
    std::string path_;
    std::string record_;
};

// The whole way with a process of our own: a group below ours is made, the process enters it, is
// killed through it, and the group is removed. Error: the step that can't be had here, and why.
Result<void> try_cgroup();

// True where nobody else manages our group: the manager says that it is delegated, it is the root
// of what we see, or it belongs to an ordinary user, to whom nothing is given by accident.
bool owns_cgroup();

// Ends what is left in the group of an earlier run and removes it. The instance is ours. The
// processes that could be named were asked before (takeover); this is for those forked meanwhile.
void reclaim_cgroup(const std::string& directory, const std::string& uuid);

// Does the process live in the group of this instance, or below it?
bool in_cgroup_of(pid_t pid, const std::string& uuid);

}  // namespace oneloop
