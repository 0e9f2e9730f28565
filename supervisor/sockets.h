// sockets: the listening sockets that outlive every worker.
//
// The supervisor binds and listens once; the worker gets them from descriptor 3 on. While no worker
// lives, connections wait in the backlog and are answered by the next one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"

namespace oneloop {

struct SocketSpec {
    std::string name;  // for LISTEN_FDNAMES
    std::string host;  // or "unix:" and an absolute path, and no port
    std::string port;
    friend bool operator==(const SocketSpec&, const SocketSpec&) = default;

    [[nodiscard]] bool is_unix() const { return host.starts_with(unix_prefix); }
    [[nodiscard]] std::string path() const { return host.substr(unix_prefix.size()); }
    [[nodiscard]] std::string address() const;  // "127.0.0.1:5000", "[::1]:5000", "unix:/run/x"
    static constexpr std::string_view unix_prefix = "unix:";
};

// "[NAME=]HOST:PORT", "[NAME=]:PORT", "[NAME=]PORT"; an IPv6 host in brackets. No host: 127.0.0.1.
// "[NAME=]unix:PATH"; a relative one starts at the current directory.
Result<SocketSpec> parse_socket(const std::string& text);

struct ListenSocket {
    UniqueFd fd;
    SocketSpec spec;      // as asked for
    std::string address;  // as bound, "127.0.0.1:5000"
};

// Binds and listens (SO_REUSEADDR, close-on-exec); at a path as unix_socket says. Errors name the
// address, and who has it when that can be known.
Result<ListenSocket> listen_on(const SocketSpec& spec);

// Removes the paths at which nobody listens any more when it goes: to be made before the sockets
// themselves. Whom one was handed over to, keeps its path.
struct SocketPaths {
    std::vector<SocketSpec> specs;
    ~SocketPaths();
};

// "127.0.0.1:5000", "unix:/run/x"; "?" when it is not bound to a stream's address.
std::string bound_address(int fd);

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
