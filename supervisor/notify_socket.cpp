#include "supervisor/notify_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <cstring>
#include <optional>

#include "common/unique_fd.h"

namespace oneloop {
namespace {

namespace asio = boost::asio;

// One datagram: what it says, and who the kernel says has sent it (unix(7), SCM_CREDENTIALS).
struct Received {
    std::string text;
    ucred sender{0, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
};

// Descriptors are ours as soon as they are received, whoever sent them. BARRIER=1 is answered by
// exactly this (sd_notify_barrier(3)).
void close_descriptors(const cmsghdr* header) {
    const std::size_t size = header->cmsg_len - CMSG_LEN(0);
    for (std::size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header) + at, sizeof fd);
        ::close(fd);
    }
}

// None when the queue is empty.
std::optional<Received> receive(int fd) {
    // One byte more than is allowed, so that what is too long is seen to be.
    std::array<char, longest_notify_message + 1> buffer;
    // Room for as many descriptors as fit into one message (unix(7), SCM_MAX_FD). The kernel closes
    // what does not fit.
    constexpr std::size_t most_descriptors = 253;
    alignas(cmsghdr)
        std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(most_descriptors * sizeof(int))>
            control;
    iovec part{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t got = 0;
    do {
        got = ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return std::nullopt;
    Received received;
    received.text.assign(buffer.data(), static_cast<std::size_t>(got));
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET) continue;
        if (header->cmsg_type == SCM_RIGHTS) close_descriptors(header);
        if (header->cmsg_type == SCM_CREDENTIALS) {
            std::memcpy(&received.sender, CMSG_DATA(header), sizeof received.sender);
        }
    }
    return received;
}

}  // namespace

struct NotifySocket::Impl {
    Impl(asio::io_context& context, Events socket_events)
        : events(std::move(socket_events)), socket(context) {}
    ~Impl() {
        if (in_directory) ::unlink(address.c_str());
    }

    Result<void> bind(const std::string& directory, const std::string& instance);
    void listen();
    void read(int most);
    void take(const Received& received) const;

    Events events;
    asio::posix::stream_descriptor socket;
    std::string address;
    bool in_directory = false;
};

Result<void> NotifySocket::Impl::bind(const std::string& directory, const std::string& instance) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno("socket");
    // Before anybody can know the address: every datagram has its sender.
    const int on = 1;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
        return fail_errno("setsockopt SO_PASSCRED");
    }
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::string path = directory + "/" + name;
    const bool fits = path.size() < sizeof to.sun_path;
    if (fits) {
        struct stat found {};
        if (::lstat(path.c_str(), &found) == 0) {
            if (!S_ISSOCK(found.st_mode)) {
                return fail(path + ": is in the way, not a socket", EEXIST);
            }
            if (::unlink(path.c_str()) != 0) return fail_errno("unlink " + path);
        }
    } else {
        // It may be as long as a path, and anybody may send there; the sender tells them apart.
        path = "@oneloop-notify-" + instance;
    }
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    if (!fits) to.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    // The socket file gets its mode at bind(2). One thread: nobody else creates files meanwhile.
    const mode_t before = ::umask(0177);
    const int result = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&to), size);
    const int error = errno;
    ::umask(before);
    if (result != 0) return fail_errno("bind " + path, error);
    address = path;
    in_directory = fits;
    boost::system::error_code failed;
    socket.assign(fd.get(), failed);
    if (failed) return fail("listen on " + path + ": " + failed.message(), failed.value());
    (void)fd.release();
    return {};
}

void NotifySocket::Impl::listen() {
    socket.async_wait(asio::posix::stream_descriptor::wait_read,
                      [this](const boost::system::error_code& error) {
                          if (error) return;
                          // A few at a time: a worker that does nothing but talk holds up nobody.
                          constexpr int most = 64;
                          read(most);
                          listen();
                      });
}

void NotifySocket::Impl::read(int most) {
    for (int i = 0; i < most; ++i) {
        const auto received = receive(socket.native_handle());
        if (!received) return;
        take(*received);
    }
}

void NotifySocket::Impl::take(const Received& received) const {
    if (received.sender.uid != 0 && received.sender.uid != ::geteuid()) {
        return events.refused("a message of user " + std::to_string(received.sender.uid) +
                              " on NOTIFY_SOCKET is not obeyed: it is neither ours nor root's");
    }
    const auto message = parse_notify_message(received.text);
    if (!message) return events.refused(message.error().what);
    for (const auto& line : message->bad) {
        events.refused("NOTIFY_SOCKET: " + line + " makes no sense, and has no effect");
    }
    events.said(*message, received.sender.pid);
}

NotifySocket::NotifySocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NotifySocket::~NotifySocket() = default;

Result<std::unique_ptr<NotifySocket>> NotifySocket::open(asio::io_context& io,
                                                         const std::string& directory,
                                                         const std::string& instance,
                                                         Events events) {
    auto impl = std::make_unique<Impl>(io, std::move(events));
    if (auto bound = impl->bind(directory, instance); !bound) {
        return tl::unexpected(bound.error());
    }
    impl->listen();
    return std::unique_ptr<NotifySocket>(new NotifySocket(std::move(impl)));
}

const std::string& NotifySocket::address() const {
    return impl_->address;
}

// No queue is longer (net.unix.max_dgram_qlen), so this ends even while a stranger sends.
constexpr int whole_queue = 4096;

void NotifySocket::discard() {
    for (int i = 0; i < whole_queue && receive(impl_->socket.native_handle()); ++i) {
    }
}

void NotifySocket::drain() {
    impl_->read(whole_queue);
}

}  // namespace oneloop
