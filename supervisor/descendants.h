// descendants: the children of this process, to be ended without ever hitting a stranger.
//
// Only direct children are signalled: we alone can reap them, so their pids can't have been given
// to anybody else. What they leave behind is reparented to us (child subreaper) and is next. A tree
// of depth n takes n rounds and no pid is ever guessed. Used by the warden for its generation and
// by the supervisor for what a dead warden left. Links only libc.
#pragma once

#include <sys/types.h>

#include <vector>

namespace oneloop {

// Living and unreaped children of a process with one thread: /proc/PID/task/PID/children
// (CONFIG_PROC_CHILDREN), else a scan of /proc/*/stat.
std::vector<pid_t> children_of(pid_t parent);
std::vector<pid_t> direct_children();  // of the calling process

// kill(2) to every direct child that is not in `except`. Returns how many there were.
std::size_t signal_children(int signal, const std::vector<pid_t>& except = {});

}  // namespace oneloop
