// instance: what makes two starts "the same one", and the directory that says so.
//
// An instance is a user, a working directory and a command. Its directory holds the two lock files
// and the instance's uuid. Where it lies depends on nothing that differs between two terminals of
// one user (no XDG variable, no HOME): otherwise each would have a lock, and a worker, of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/lock_file.h"
#include "common/result.h"
#include "supervisor/worker_cgroup.h"

namespace oneloop {

struct Instance {
    std::string directory;  // absolute
    std::string uuid;
    LockFile lock;             // supervisor.lock, held
    UniqueFd witness = {};     // the instance's name in the kernel; empty when a stranger took it
    WorkerCgroup cgroup = {};  // empty unless the worker is kept together by it
};

// Names in the directory, beside the two locks.
inline constexpr const char* instance_uuid_name = "instance";
inline constexpr const char* instance_cwd_name =
    "cwd";  // the working directory, for supervisor clean

// Where the instances of this user lie: below $STATE_DIRECTORY (systemd sets it), else below the
// home directory that the user database names.
std::string instance_base();

// The directory of the instance: `state_dir` itself when given, else one below instance_base().
Result<std::string> instance_directory(const std::string& state_dir,
                                       const std::vector<std::string>& command);

// The working directory of the last start; empty when it is not known.
std::string recorded_cwd(const std::string& directory);

// Makes the directory, takes supervisor.lock and reads or makes the uuid.
// Error code EWOULDBLOCK: another supervisor has it; the text names it and says how to take over.
Result<Instance> open_instance(const std::string& directory,
                               const std::vector<std::string>& command);

// Who has `path` open, by /proc/*/fd: the processes that keep a lock. For messages.
std::vector<pid_t> who_has_open(const std::string& path);

}  // namespace oneloop
