// open_files: which processes there are and what they have open, by /proc/PID/fd (proc(5)): the one
// walk through it. A look, which may be old when it is over; whoever acts on it checks again. Not
// for what else /proc knows of a process (supervisor/process_table). Any thread.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace oneloop {

// All that can be seen, ourselves too.
std::vector<pid_t> all_pids();

// True as soon as `wanted` is for one of its descriptors, of which it gets the path,
// "/proc/4711/fd/3". False when the process has ended or is somebody else's.
bool has_open(pid_t pid, const std::function<bool(const std::string& entry)>& wanted);

// True when such a path leads to the file that was looked at.
bool leads_to(const std::string& entry, const struct stat& file);

}  // namespace oneloop
