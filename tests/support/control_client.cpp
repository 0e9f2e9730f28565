#include "tests/support/control_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>

namespace oneloop::test {
namespace {

using Clock = std::chrono::steady_clock;

// False after `deadline`.
bool readable(int fd, Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, static_cast<int>(left > 0 ? left : 0)) > 0;
}

}  // namespace

ControlClient::ControlClient(const std::string& state_directory) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const UniqueFd place(::open(state_directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // The short way, whatever the length of the real one.
    ("/proc/self/fd/" + std::to_string(place.get()) + "/control.sock")
        .copy(address.sun_path, sizeof address.sun_path - 1);
    if (!place ||
        ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        error_ = errno;
        return;
    }
    fd_ = std::move(fd);
}

long ControlClient::send(const std::string& bytes) const {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) return 0;
    return sent;
}

std::optional<std::string> ControlClient::line(std::chrono::milliseconds limit) {
    const auto deadline = Clock::now() + limit;
    for (;;) {
        if (const auto end = input_.find('\n'); end != std::string::npos) {
            std::string result = input_.substr(0, end);
            input_.erase(0, end + 1);
            return result;
        }
        std::array<char, 4096> chunk{};
        if (!fd_ || !readable(fd_.get(), deadline)) return std::nullopt;
        const ssize_t size = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
        if (size <= 0) return std::nullopt;
        input_.append(chunk.data(), static_cast<std::size_t>(size));
    }
}

bool ControlClient::closed(std::chrono::milliseconds limit) {
    const auto deadline = Clock::now() + limit;
    std::array<char, 4096> chunk{};
    while (readable(fd_.get(), deadline)) {
        if (::recv(fd_.get(), chunk.data(), chunk.size(), 0) <= 0) return true;
    }
    return false;
}

std::string ControlClient::ask(const std::string& request) {
    send(request + "\n");
    return line().value_or("");
}

}  // namespace oneloop::test
