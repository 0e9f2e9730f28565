// DatagramSocket: a bound AF_UNIX datagram socket, to play the service manager in a test.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/unique_fd.h"

namespace oneloop::test {

class DatagramSocket {
  public:
    // "/path", or "@name" for an abstract one: what NOTIFY_SOCKET may be.
    explicit DatagramSocket(const std::string& address)
        : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        address.copy(to.sun_path, sizeof to.sun_path);
        if (address[0] == '@') to.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
        if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&to), size) != 0) {
            throw std::runtime_error("bind " + address);
        }
    }

    // The next datagram, none when none comes in time.
    std::optional<std::string> next(std::chrono::milliseconds limit = std::chrono::seconds(0)) {
        pollfd readable{fd_.get(), POLLIN, 0};
        if (::poll(&readable, 1, static_cast<int>(limit.count())) <= 0) return std::nullopt;
        std::array<char, 8192> buffer{};
        const auto got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (got < 0) return std::nullopt;
        return std::string(buffer.data(), static_cast<std::size_t>(got));
    }

    // Everything that came so far, also what earlier calls have returned.
    const std::vector<std::string>& all() {
        while (auto one = next())
            seen_.push_back(*one);
        return seen_;
    }
    // How many of them hold this line.
    std::size_t count(const std::string& line) {
        std::size_t found = 0;
        for (const auto& one : all())
            found += ("\n" + one + "\n").find("\n" + line + "\n") != std::string::npos ? 1U : 0U;
        return found;
    }

  private:
    UniqueFd fd_;
    std::vector<std::string> seen_;
};

// Sends to `address` until nothing more fits.
inline std::size_t stuff(const std::string& address) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    address.copy(to.sun_path, sizeof to.sun_path);
    std::size_t sent = 0;
    while (::sendto(fd.get(), "STUFFING=1", 10, 0, reinterpret_cast<const sockaddr*>(&to),
                    sizeof to) > 0)
        ++sent;
    return sent;
}

}  // namespace oneloop::test
