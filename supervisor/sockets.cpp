#include "supervisor/sockets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>

#include "common/port_holder.h"
#include "supervisor/unix_socket.h"

namespace oneloop {
namespace {

Result<std::string> absolute_path(const std::string& path) {
    // sun_path of unix(7), with the zero at its end.
    constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
    if (path.empty() || path.ends_with('/')) return fail("the path names no file");
    if (path.starts_with('@')) return fail("abstract names have no path");
    std::error_code error;
    std::string result = std::filesystem::absolute(path, error).lexically_normal().string();
    if (error) return fail(error.message());
    if (result.size() > longest) {
        return fail(
            fmt::format("{} bytes of path, and a socket's has at most {}", result.size(), longest));
    }
    return result;
}

}  // namespace

std::string SocketSpec::address() const {
    if (is_unix()) return host;
    const bool bracketed = host.find(':') != std::string::npos;
    return fmt::format(fmt::runtime(bracketed ? "[{}]:{}" : "{}:{}"), host, port);
}

Result<SocketSpec> parse_socket(const std::string& text) {
    const auto bad = [&](std::string_view why) {
        return fail(
            fmt::format("--socket {}: {} (write [NAME=]HOST:PORT or unix:PATH)", text, why));
    };
    SocketSpec spec{"http", "127.0.0.1", ""};
    std::string address = text;
    const auto equals = text.find('=');
    if (equals != std::string::npos && !text.starts_with(SocketSpec::unix_prefix)) {
        spec.name = text.substr(0, equals);
        address = text.substr(equals + 1);
        // A colon would split LISTEN_FDNAMES (sd_listen_fds_with_names(3)).
        if (spec.name.empty() || spec.name.find(':') != std::string::npos) return bad("bad name");
    }
    if (address.starts_with(SocketSpec::unix_prefix)) {
        const auto path = absolute_path(address.substr(SocketSpec::unix_prefix.size()));
        if (!path) return bad(path.error().what);
        spec.host = std::string(SocketSpec::unix_prefix) + *path;
        return spec;
    }
    if (address.starts_with('[')) {
        const auto close = address.find("]:");
        if (close == std::string::npos || close == 1)
            return bad("an IPv6 host is written [HOST]:PORT");
        spec.host = address.substr(1, close - 1);
        spec.port = address.substr(close + 2);
    } else {
        const auto colon = address.find(':');
        spec.port = colon == std::string::npos ? address : address.substr(colon + 1);
        if (colon != std::string::npos && colon > 0) spec.host = address.substr(0, colon);
        if (spec.port.find(':') != std::string::npos)
            return bad("an IPv6 host is written [HOST]:PORT");
    }
    if (spec.host.find_first_of("[]") != std::string::npos) return bad("a bracket is out of place");
    if (spec.port.empty() || spec.port.size() > 5 ||
        spec.port.find_first_not_of("0123456789") != std::string::npos ||
        std::stoi(spec.port) > 65535) {
        return bad("the port is not a number from 0 to 65535");
    }
    return spec;
}

std::string bound_address(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    if (::getsockname(fd, address, &size) != 0) return "?";
    if (storage.ss_family == AF_UNIX) {
        const char* path = reinterpret_cast<const sockaddr_un*>(&storage)->sun_path;
        return std::string(SocketSpec::unix_prefix) + path;  // zeroed above, so it ends
    }
    if (::getnameinfo(address, size, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return "?";
    }
    if (storage.ss_family == AF_INET6) return fmt::format("[{}]:{}", host, port);
    return fmt::format("{}:{}", host, port);
}

Result<ListenSocket> listen_on(const SocketSpec& spec) {
    const std::string where = spec.address();
    if (spec.is_unix()) {
        auto fd = listen_at(spec.path());
        if (!fd) return tl::unexpected(fd.error());
        return ListenSocket{std::move(*fd), spec, where};
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(spec.host.c_str(), spec.port.c_str(), &hints, &found)) {
        return fail(fmt::format("socket {}: {}", where, ::gai_strerror(error)));
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
    // A name may have several addresses, and not every machine every family: the first that works.
    int error = 0;
    for (const addrinfo* one = found; one; one = one->ai_next) {
        UniqueFd fd(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int on = 1;
        if (fd && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
            ::bind(fd.get(), one->ai_addr, one->ai_addrlen) == 0 &&
            ::listen(fd.get(), SOMAXCONN) == 0) {
            std::string address = bound_address(fd.get());
            return ListenSocket{std::move(fd), spec, std::move(address)};
        }
        error = errno;
    }
    std::string text = fmt::format("cannot listen on {}: {}", where, std::strerror(error));
    if (error == EADDRINUSE) text += describe_port_holder(std::stoi(spec.port));
    return fail(text, error);
}

SocketPaths::~SocketPaths() {
    for (const auto& spec : specs) {
        if (spec.is_unix()) remove_if_unused(spec.path());
    }
}

Result<ListenSocket> adopt_listening(UniqueFd fd, const SocketSpec& spec,
                                     const std::string& address) {
    const auto is = [&](int option, auto... wanted) {
        int value = 0;
        socklen_t size = sizeof value;
        return ::getsockopt(fd.get(), SOL_SOCKET, option, &value, &size) == 0 &&
               ((value == wanted) || ...);
    };
    std::error_code ignored;
    if (!is(SO_DOMAIN, AF_INET, AF_INET6, AF_UNIX) || !is(SO_TYPE, SOCK_STREAM) ||
        !is(SO_ACCEPTCONN, 1)) {
        return fail("socket " + address + ": not a listening stream socket");
    }
    if (const std::string real = bound_address(fd.get()); real != address) {
        return fail("socket " + address + ": is bound to " + real);
    }
    // Without its path nobody finds it.
    if (spec.is_unix() && !std::filesystem::is_socket(spec.path(), ignored)) {
        return fail("socket " + address + ": its path is gone");
    }
    // A worker shares the open file description: it may have set O_NONBLOCK, which is not what the
    // next one is promised, and have made the backlog shorter (listen(2) again sets it).
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK) != 0 ||
        !set_cloexec(fd.get(), true) || ::listen(fd.get(), SOMAXCONN) != 0) {
        return fail_errno("socket " + address);
    }
    return ListenSocket{std::move(fd), spec, address};
}

Matched match_handed(const std::vector<SocketSpec>& wanted, std::vector<ListenSocket> handed) {
    Matched result;
    for (const auto& spec : wanted) {
        auto& taken = result.taken.emplace_back();
        const auto found = std::find_if(handed.begin(), handed.end(),
                                        [&](const auto& one) { return one.spec == spec; });
        if (found == handed.end()) continue;
        taken = std::move(*found);
        handed.erase(found);
    }
    result.unwanted = std::move(handed);
    return result;
}

}  // namespace oneloop
