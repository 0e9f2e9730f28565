// sockets: the listening sockets that outlive every worker.
//
// The supervisor binds and listens once; the worker gets them from descriptor 3 on. While no worker
// lives, connections wait in the backlog and are answered by the next one.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"

namespace oneloop {

struct SocketSpec {
    std::string name;  // for LISTEN_FDNAMES
    std::string host;
    std::string port;
    friend bool operator==(const SocketSpec&, const SocketSpec&) = default;
};

// "[NAME=]HOST:PORT", "[NAME=]:PORT", "[NAME=]PORT"; an IPv6 host in brackets. No host: 127.0.0.1.
Result<SocketSpec> parse_socket(const std::string& text);

struct ListenSocket {
    UniqueFd fd;
    std::string name;
    std::string address;  // as bound, "127.0.0.1:5000"
};

// Binds and listens (SO_REUSEADDR, close-on-exec). Errors name the address, and who has it when
// that can be known.
Result<ListenSocket> listen_on(const SocketSpec& spec);

}  // namespace oneloop
