#include "supervisor/turn_away.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>

#include "common/clock.h"
#include "common/unique_fd.h"
#include "supervisor/down.h"

namespace oneloop {
namespace {

constexpr std::chrono::milliseconds limit{1'000};  // for all of them

bool readable(int fd, SteadyTime until) {
    using std::chrono::milliseconds;
    const auto left = std::chrono::ceil<milliseconds>(until - Steady::now());
    pollfd one{fd, POLLIN, 0};
    return ::poll(&one, 1, static_cast<int>(std::max(left, milliseconds(0)).count())) > 0;
}

// A part of what the client sends; empty at its end and when the time is over.
std::string read_some(int client, SteadyTime until) {
    std::array<char, 4096> chunk{};
    if (!readable(client, until)) return "";
    const ssize_t got = ::recv(client, chunk.data(), chunk.size(), MSG_DONTWAIT);
    return got > 0 ? std::string(chunk.data(), static_cast<std::size_t>(got)) : "";
}

void answer(int client, const std::string& why, SteadyTime until) {
    std::string request;
    // Read first, and until the client has closed: a close with something unread resets the
    // connection, and the reset may overtake the answer.
    while (request.find("\r\n\r\n") == std::string::npos && request.size() < 16 * 1024) {
        const std::string more = read_some(client, until);
        if (more.empty()) break;
        request += more;
    }
    const std::string text = down_answer({5, why}, request);
    (void)!::send(client, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ::shutdown(client, SHUT_WR);
    while (!read_some(client, until).empty()) {
    }
}

bool speaks_tcp(int listening) {
    int domain = 0;
    socklen_t size = sizeof domain;
    return ::getsockopt(listening, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
           (domain == AF_INET || domain == AF_INET6);
}

}  // namespace

void turn_away(int listening, const std::string& why) {
    const bool tcp = speaks_tcp(listening);
    const SteadyTime end = Steady::now() + limit;
    // What waits now, and not what comes meanwhile: the backlog has an end.
    for (int left = 4096; left > 0 && readable(listening, Steady::now()); --left) {
        const UniqueFd client(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!client) return;
        // Who sends nothing for a tenth of a second holds up nobody.
        if (tcp) answer(client.get(), why, std::min(end, Steady::now() + limit / 10));
    }
}

}  // namespace oneloop
