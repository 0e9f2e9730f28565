// sockets: the listening sockets that outlive every worker.
//
// The supervisor binds and listens once; the worker gets them from descriptor 3 on. While no worker
// lives, connections wait in the backlog and are answered by the next one.
#pragma once

#include <optional>
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
    SocketSpec spec;      // as asked for
    std::string address;  // as bound, "127.0.0.1:5000"
};

// Binds and listens (SO_REUSEADDR, close-on-exec). Errors name the address, and who has it when
// that can be known.
Result<ListenSocket> listen_on(const SocketSpec& spec);

// A listening socket that another supervisor bound for `spec`: what it has to be is looked at, and
// what its workers may have changed is set right. `address` is what it is said to be bound to.
Result<ListenSocket> adopt_listening(UniqueFd fd, const SocketSpec& spec,
                                     const std::string& address);

// For each of `wanted` the handed one that was asked for in the same words, or none.
struct Matched {
    std::vector<std::optional<ListenSocket>> taken;
    std::vector<ListenSocket> unwanted;
};
Matched match_handed(const std::vector<SocketSpec>& wanted, std::vector<ListenSocket> handed);

}  // namespace oneloop
