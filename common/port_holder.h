// Who listens on a TCP port of this machine, for error messages. Not for decisions: it is a look at
// /proc and may be old when it is read.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace oneloop {

struct PortHolder {
    pid_t pid = 0;
    std::string command;  // its arguments, joined by spaces
};

// None when nobody listens there, or when the holder belongs to somebody else and we may not look.
std::optional<PortHolder> find_port_holder(int port);

// " (held by pid 123: python3 app.py; end it with: kill 123)", or that it can't be seen.
std::string describe_port_holder(int port);

}  // namespace oneloop
