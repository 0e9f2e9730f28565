#include "tests/support/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "common/unique_fd.h"

namespace oneloop::test {
namespace {

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

HttpReply::Outcome outcome_of(int error) {
    if (error == ECONNREFUSED) return HttpReply::Outcome::refused;
    if (error == ECONNRESET || error == EPIPE) return HttpReply::Outcome::reset;
    if (error == EAGAIN || error == ETIMEDOUT) return HttpReply::Outcome::timed_out;
    return HttpReply::Outcome::broken;
}

template <class Address>
HttpReply get(const Address& address, const std::string& path, std::chrono::milliseconds limit) {
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    HttpReply reply;
    const UniqueFd fd(::socket(generic->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    timeval wait{};
    wait.tv_sec = limit.count() / 1000;
    wait.tv_usec = (limit.count() % 1000) * 1000;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    const std::string request =
        "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    if (::connect(fd.get(), generic, sizeof address) != 0 ||
        ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
        reply.outcome = outcome_of(errno);
        return reply;
    }
    std::string text;
    std::array<char, 16384> buffer{};
    for (;;) {
        const ssize_t size = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
        if (size < 0) {
            reply.outcome = outcome_of(errno);
            return reply;
        }
        if (size == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos || text.compare(0, 5, "HTTP/") != 0) {
        // Closed without an answer.
        reply.outcome = text.empty() ? HttpReply::Outcome::reset : HttpReply::Outcome::broken;
        return reply;
    }
    reply.outcome = HttpReply::Outcome::answered;
    reply.status = std::atoi(text.c_str() + text.find(' '));
    reply.headers = text.substr(0, end);
    reply.body = text.substr(end + 4);
    return reply;
}

}  // namespace

HttpReply http_get(int port, const std::string& path, std::chrono::milliseconds limit) {
    return get(loopback(port), path, limit);
}

HttpReply http_get_at(const std::string& socket_path, const std::string& path,
                      std::chrono::milliseconds limit) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
    return get(address, path, limit);
}

std::string listening_socket(int port) {
    std::ifstream table("/proc/net/tcp");
    std::array<char, 8> wanted{};
    std::snprintf(wanted.data(), wanted.size(), ":%04X", static_cast<unsigned>(port));
    std::string line;
    while (std::getline(table, line)) {
        std::istringstream words(line);
        std::string slot, local, remote, state, skip, inode;
        words >> slot >> local >> remote >> state;
        for (int i = 0; i < 5; ++i)
            words >> skip;
        words >> inode;
        if (state == "0A" && local.ends_with(wanted.data())) return "socket:[" + inode + "]";
    }
    return "";
}

int free_port() {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

}  // namespace oneloop::test
