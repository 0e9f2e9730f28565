#include "worker/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "common/flag.h"
#include "common/port_holder.h"
#include "worker/text.h"

namespace oneloop::worker {
namespace {

using std::string;

// In the form of a URL. Empty when it is no TCP socket.
string describe(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    const bool v6 = address.ss_family == AF_INET6;
    if (!v6 && address.ss_family != AF_INET) return {};
    if (::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host.data(), host.size(),
                      port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return {};
    }
    return string("http://") + (v6 ? "[" : "") + host.data() + (v6 ? "]:" : ":") + port.data();
}

long number(const char* name) {
    const char* text = std::getenv(name);
    return text && *text ? std::strtol(text, nullptr, 10) : 0;
}

}  // namespace

Result<Listener> adopt_listener() {
    Listener listener;
    const long count = number(flag::listen_fds);
    if (count < 1 || number(flag::listen_pid) != ::getpid()) return listener;
    for (int i = 0; i < count && i < 1024; ++i)
        set_cloexec(flag::first_listen_fd + i, true);
    int listening = 0;
    socklen_t size = sizeof listening;
    const int fd = flag::first_listen_fd;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening != 1) {
        return fail("descriptor 3, handed over with LISTEN_FDS, is not a listening socket");
    }
    listener.where = describe(fd);
    if (listener.where.empty()) return fail("the socket handed over is not a TCP socket");
    listener.fd.reset(fd);
    listener.handed_over = true;
    return listener;
}

Result<Listener> open_listener(const string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV | (host == "localhost" ? 0 : AI_NUMERICHOST);
    addrinfo* found = nullptr;
    const string name = host.find(':') == string::npos ? host : "[" + host + "]";
    const string where = name + ":" + std::to_string(port);
    if (const int code =
            ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found)) {
        return fail("can't listen on " + where + ": " + ::gai_strerror(code));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> address(found, &::freeaddrinfo);
    Listener listener;
    listener.fd.reset(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!listener.fd) return fail_errno("socket");
    const int on = 1;
    ::setsockopt(listener.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener.fd.get(), address->ai_addr, address->ai_addrlen) != 0 ||
        ::listen(listener.fd.get(), SOMAXCONN) != 0) {
        const int code = errno;
        string what = "can't listen on " + where + ": " + std::strerror(code);
        if (code == EADDRINUSE) what += describe_port_holder(port);
        return fail(std::move(what), code);
    }
    listener.where = describe(listener.fd.get());
    return listener;
}

}  // namespace oneloop::worker
