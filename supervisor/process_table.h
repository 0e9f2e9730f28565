// process_table: the processes of this machine, and who listens where, read from /proc.
//
// A look, not a lock: what it shows may be over when it is read. Whoever acts on it checks again
// with a pidfd in hand (end_processes). Not for the processes we started ourselves (descendants).
// Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/leftovers.h"
#include "supervisor/sockets.h"

namespace oneloop {

struct Listener {
    std::string address;  // the wanted one, "127.0.0.1:5000"
    unsigned uid = 0;     // of who made the socket
};
// By the inode of the socket.
using Listeners = std::map<std::uint64_t, Listener>;

// The sockets that would keep us from listening on one of `wanted`: the same port on the same
// address, or one of the two on all addresses; the same path. Port 0 is in nobody's way.
Listeners find_listeners(const std::vector<SocketSpec>& wanted);

// Everything that can be seen. Records of other users lack what only they may see.
std::vector<ProcessRecord> read_processes(const Listeners& listeners);

// None when there is no such process. `listeners` empty: without a look at its descriptors.
std::optional<ProcessRecord> read_process(int pid, const Listeners& listeners);

// st_dev and st_ino of what `path` leads to; unknown when it leads nowhere.
FileId file_id(const std::string& path);

// The directory of work, and the program that `command` names by PATH. Program unknown: there is
// none of that name.
Wanted resolve_wanted(const std::vector<std::string>& command);

// How long it has lived, in seconds.
double age_seconds(const ProcessRecord& process);

}  // namespace oneloop
