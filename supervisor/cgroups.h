// cgroups: where a process's control groups lie in the file system, from /proc/PID/cgroup and the
// mounts (cgroups(7), cgroup_namespaces(7)).
//
// For version 2 and for the controllers of version 1 beside it. A look, not a lock: a process may
// be moved meanwhile. Any thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace oneloop {

class Cgroups {
  public:
    // Reads the mounts once; they don't change while a program runs. `proc`: another one is for
    // tests.
    explicit Cgroups(std::string proc = "/proc");

    // The directory of the process's group; pid 0 is the caller. `controller`: one of version 1, or
    // "" for version 2. Empty when there is none, or none that can be seen from here.
    [[nodiscard]] std::string directory(pid_t pid, std::string_view controller) const;
    // Where the hierarchy is mounted; empty: nowhere.
    [[nodiscard]] std::string mount_point(std::string_view controller) const;

  private:
    struct Mount {
        std::string options;  // of version 1, its controllers among them
        bool unified = false;
        std::string point;
        std::string root;  // what of the hierarchy is mounted there
    };
    [[nodiscard]] const Mount* mount(std::string_view controller) const;

    std::string proc_;
    std::vector<Mount> mounts_;
};

// The path of the process's group of version 2 as /proc/PID/cgroup has it: "/user.slice/…". Empty
// when it is not known.
std::string unified_path(const std::string& proc, pid_t pid);

}  // namespace oneloop
