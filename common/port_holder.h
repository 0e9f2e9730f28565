// Who listens on a TCP port or at a path of this machine, for error messages. Not for decisions: it
// is a look at /proc and may be old when it is read.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace oneloop {

struct PortHolder {
    pid_t pid = 0;
    std::string command;  // its arguments, joined by spaces
};

// None when nobody listens there, or when the holder belongs to somebody else and we may not look.
std::optional<PortHolder> find_port_holder(int port);

// Inodes of the Unix sockets that listen and were bound to `path`, as it was written then.
std::vector<std::uint64_t> listening_at(const std::string& path);

// " (held by pid 123: python3 app.py; end it with: kill 123)", or that it can't be seen.
std::string describe_port_holder(int port);
std::string describe_path_holder(const std::string& path);

}  // namespace oneloop
