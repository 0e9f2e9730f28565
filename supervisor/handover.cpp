#include "supervisor/handover.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/unique_fd.h"
#include "supervisor/control_protocol.h"
#include "supervisor/remote.h"

namespace oneloop {
namespace {

using std::chrono::milliseconds;

// From its lock to its control socket a supervisor needs milliseconds, more with a large tree.
constexpr auto connect_patience = milliseconds(500);

constexpr std::size_t control_room = CMSG_SPACE(sizeof(int) * most_handed_over);

struct Message {
    alignas(cmsghdr) std::array<char, control_room> control{};
    iovec data{};
    msghdr header{};
};

void attach(Message& message, const std::vector<int>& fds) {
    if (fds.empty()) return;
    message.header.msg_control = message.control.data();
    message.header.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* const part = CMSG_FIRSTHDR(&message.header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(part), fds.data(), sizeof(int) * fds.size());
}

// The descriptors go with the first byte (unix(7)), so what is left of the line goes without them.
Result<void> send_line(int connection, std::string_view line, std::vector<int> fds,
                       SteadyTime deadline) {
    while (!line.empty()) {
        Message message;
        message.data = {const_cast<char*>(line.data()), line.size()};
        message.header.msg_iov = &message.data;
        message.header.msg_iovlen = 1;
        attach(message, fds);
        const ssize_t sent = ::sendmsg(connection, &message.header, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            line.remove_prefix(static_cast<std::size_t>(sent));
            fds.clear();
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return fail_errno("sendmsg");
        const auto left = std::chrono::ceil<milliseconds>(deadline - Steady::now()).count();
        pollfd wanted{connection, POLLOUT, 0};
        if (left <= 0 || ::poll(&wanted, 1, static_cast<int>(left)) == 0) {
            return fail("it does not read", ETIMEDOUT);
        }
    }
    return {};
}

struct Arrived {
    std::string text;
    std::vector<UniqueFd> fds;
    bool lost = false;  // descriptors that there was no room for
};

void keep_descriptors(msghdr& header, Arrived& arrived) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            arrived.fds.emplace_back(fd);
        }
    }
    if (header.msg_flags & MSG_CTRUNC) arrived.lost = true;
}

Result<Arrived> receive_line(int connection, SteadyTime deadline) {
    Arrived arrived;
    while (arrived.text.find('\n') == std::string::npos) {
        if (arrived.text.size() > 4 * control::longest_line ||
            arrived.fds.size() > most_handed_over) {
            return fail("the answer does not end", EPROTO);
        }
        if (!wait_readable(connection, deadline)) {
            return fail("it has not stopped in time", ETIMEDOUT);
        }
        std::array<char, 4096> chunk{};
        Message message;
        message.data = {chunk.data(), chunk.size()};
        message.header.msg_iov = &message.data;
        message.header.msg_iovlen = 1;
        message.header.msg_control = message.control.data();
        message.header.msg_controllen = message.control.size();
        const ssize_t size = ::recvmsg(connection, &message.header, MSG_CMSG_CLOEXEC);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return fail_errno("read the answer");
        keep_descriptors(message.header, arrived);
        if (size == 0) return fail("it ended without an answer", ECONNRESET);
        arrived.text.append(chunk.data(), static_cast<std::size_t>(size));
    }
    arrived.text.resize(arrived.text.find('\n'));
    return arrived;
}

Result<Remote> connect(const std::string& directory) {
    const auto deadline = Steady::now() + connect_patience;
    for (;;) {
        auto remote = Remote::connect(directory);
        if (remote || Steady::now() >= deadline) return remote;
        const int code = remote.error().code;
        if (code != ENOENT && code != ECONNREFUSED) return remote;
        ::poll(nullptr, 0, 10);
    }
}

}  // namespace

Result<std::size_t> send_sockets(int connection, const std::vector<ListenSocket>& sockets,
                                 SteadyTime deadline) {
    std::vector<control::Released> released;
    std::vector<int> fds;
    for (const auto& socket : sockets) {
        if (fds.size() == most_handed_over) break;
        released.push_back({socket.spec.name, socket.spec.host, socket.spec.port, socket.address});
        fds.push_back(socket.fd.get());
    }
    const auto sent = send_line(connection, control::format_released(released), fds, deadline);
    if (sent) return fds.size();
    // ETOOMANYREFS: too many descriptors of this user are on their way. They are bound anew then.
    if (sent.error().code != EPIPE && sent.error().code != ETIMEDOUT &&
        send_line(connection, control::format_released({}), {}, deadline)) {
        return 0;
    }
    return tl::unexpected(sent.error());
}

Result<Handover> receive_sockets(int connection, SteadyTime deadline) {
    auto arrived = receive_line(connection, deadline);
    if (!arrived) return tl::unexpected(arrived.error());
    const auto reply = control::parse_reply(arrived->text);
    if (!reply) return fail(reply.error().what, EPROTO);
    if (!reply->ok && reply->released_to) return fail(reply->error, EBUSY);
    if (!reply->ok) return fail(reply->error, EOPNOTSUPP);
    if (!reply->released) return fail("an answer without sockets", EPROTO);
    Handover result;
    if (arrived->lost || arrived->fds.size() != reply->released->size()) {
        result.trouble.push_back(
            "of " + std::to_string(reply->released->size()) + " sockets " +
            std::to_string(arrived->fds.size()) + " arrived" +
            (arrived->lost ? " (see the limit of open files: ulimit -n)" : "") + "; none is kept");
        return result;
    }
    for (std::size_t i = 0; i < arrived->fds.size(); ++i) {
        const auto& said = reply->released->at(i);
        auto socket = adopt_listening(std::move(arrived->fds[i]), {said.name, said.host, said.port},
                                      said.address);
        if (socket) {
            result.sockets.push_back(std::move(*socket));
        } else {
            result.trouble.push_back(socket.error().what);
        }
    }
    return result;
}

Result<Handover> request_release(const std::string& directory, milliseconds patience) {
    auto holder = connect(directory);
    if (!holder) return tl::unexpected(holder.error());
    // Answered at once by one that lives; a release is answered at the end of its stop. And who has
    // answered was alive when its pidfd was opened.
    if (const auto alive = holder->ask(control::Request::ping); !alive) {
        return fail(alive.error().what, EHOSTDOWN);
    }
    const auto deadline = Steady::now() + patience;
    if (auto sent = send_line(holder->socket(), control::format_request(control::Request::release),
                              {}, deadline);
        !sent) {
        return fail(sent.error().what, EHOSTDOWN);
    }
    auto result = receive_sockets(holder->socket(), deadline);
    if (!result) return result;
    result->from = holder->pid();
    const auto left = std::chrono::ceil<milliseconds>(deadline - Steady::now());
    result->gone = holder->wait_gone(std::max(left, milliseconds(1000)));
    return result;
}

}  // namespace oneloop
