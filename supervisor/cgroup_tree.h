// cgroup_tree: ends and removes a control group (cgroup v2) with everything below it.
//
// One write to cgroup.kill (Linux 5.14) sends SIGKILL to each member, also to a process that is
// being forked at that moment; nothing of it rests on pids. It is a tool and no tie: somebody has
// to write. Shared by the warden and the supervisor. Links only libc.
// Source: Documentation/admin-guide/cgroup-v2.rst.
#pragma once

#include <string>

namespace oneloop {

// `directory`: a descriptor of the group's. False with errno set: nobody was signalled.
bool kill_cgroup(int directory);

// Of the group and all groups below it: is there a process that is not dead? A zombie is dead. Also
// false when it can't be read.
bool populated(int directory);

// Removes the group at `path` and the empty groups below it. False with errno when one has members.
bool remove_cgroup(const std::string& path);

}  // namespace oneloop
