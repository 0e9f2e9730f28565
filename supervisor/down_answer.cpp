#include "supervisor/down_answer.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>

#include "common/log.h"

namespace oneloop {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Descriptor = asio::posix::stream_descriptor;
using Stream = asio::generic::stream_protocol;

constexpr std::size_t most_clients = 64;
constexpr auto patience = std::chrono::seconds(1);     // with one client
constexpr std::size_t longest_request = 16 * 1024;     // its head
constexpr std::size_t longest_rest = 4 * 1024 * 1024;  // a body that nobody wants

// One client. Its handlers keep it alive.
class Client : public std::enable_shared_from_this<Client> {
  public:
    Client(asio::io_context& io, DownNotice notice, std::shared_ptr<std::size_t> count)
        : socket_(io), limit_(io), notice_(std::move(notice)), count_(std::move(count)) {
        ++*count_;
    }
    ~Client() { --*count_; }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void start(UniqueFd fd) {
        error_code no_room;  // in epoll; then it is closed
        socket_.assign(Stream(AF_UNSPEC, 0), fd.get(), no_room);
        if (no_room) return;
        (void)fd.release();
        limit_.expires_after(patience);
        limit_.async_wait([self = shared_from_this()](const error_code& error) {
            error_code ignored;
            if (!error) self->socket_.close(ignored);
        });
        read_head();
    }

  private:
    void over() { limit_.cancel(); }

    // Answered only when the head was read: closed with something unread, TCP sends a reset, which
    // may overtake the answer.
    void read_head() {
        socket_.async_read_some(
            asio::buffer(chunk_),
            [self = shared_from_this()](const error_code& error, std::size_t size) {
                if (error) return self->over();
                self->request_.append(self->chunk_.data(), size);
                if (self->request_.find("\r\n\r\n") != std::string::npos ||
                    self->request_.size() > longest_request) {
                    return self->answer();
                }
                self->read_head();
            });
    }

    void answer() {
        text_ = down_answer(notice_, request_);
        asio::async_write(socket_, asio::buffer(text_),
                          [self = shared_from_this()](const error_code& error, std::size_t) {
                              if (error) return self->over();
                              error_code ignored;
                              self->socket_.shutdown(Stream::socket::shutdown_send, ignored);
                              self->read_rest();
                          });
    }

    // Until the client has closed, too, for the reason above.
    void read_rest() {
        socket_.async_read_some(
            asio::buffer(chunk_),
            [self = shared_from_this()](const error_code& error, std::size_t size) {
                self->rest_ += size;
                if (error || self->rest_ > longest_rest) return self->over();
                self->read_rest();
            });
    }

    Stream::socket socket_;  // sends without SIGPIPE, which a descriptor would not
    asio::steady_timer limit_;
    DownNotice notice_;
    std::shared_ptr<std::size_t> count_;
    std::string request_;
    std::string text_;
    std::array<char, 4096> chunk_{};
    std::size_t rest_ = 0;
};

// A socket on which somebody is waited for. Its handlers keep it alive; closed, they do nothing,
// even those that were due already.
struct Door {
    explicit Door(asio::io_context& io) : listening(io), again(io) {}
    void close() {
        open = false;
        error_code ignored;
        listening.close(ignored);
        again.cancel();
    }
    Descriptor listening;
    asio::steady_timer again;
    bool open = true;
};

bool set_blocking(int fd, bool on) {
    const int flags = ::fcntl(fd, F_GETFL);
    return flags >= 0 && ::fcntl(fd, F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0;
}

}  // namespace

struct DownAnswer::Impl {
    Impl(asio::io_context& context, Down what, const std::vector<ListenSocket>& listening)
        : io(context), mode(what), sockets(listening) {}

    void open(const DownNotice& now) {
        notice = now;
        if (is_open || mode == Down::hold) return;
        is_open = true;
        if (mode == Down::refuse) return refuse();
        for (const auto& socket : sockets) {
            // Of its own, so that Asio closes it; the open file description is one with ours.
            UniqueFd copy(::fcntl(socket.fd.get(), F_DUPFD_CLOEXEC, 3));
            auto door = std::make_shared<Door>(io);
            error_code error;
            if (!copy || !set_blocking(copy.get(), false)) continue;
            door->listening.assign(copy.get(), error);
            if (error) continue;  // then they wait, as with --down hold
            (void)copy.release();
            doors.push_back(std::move(door));
            wait(doors.back());
        }
    }

    void close() {
        if (!is_open) return;
        is_open = false;
        for (const auto& door : doors)
            door->close();
        doors.clear();
        if (mode == Down::refuse) return listen_again();
        for (const auto& socket : sockets)
            set_blocking(socket.fd.get(), true);
    }

    void wait(const std::shared_ptr<Door>& door) {
        door->listening.async_wait(Descriptor::wait_read, [this, door](const error_code& error) {
            if (!error && door->open) accept_from(door);
        });
    }

    void accept_from(const std::shared_ptr<Door>& door) {
        while (*clients < most_clients) {
            UniqueFd client(::accept4(door->listening.native_handle(), nullptr, nullptr,
                                      SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (client) {
                std::make_shared<Client>(io, notice, clients)->start(std::move(client));
            } else if (errno == EAGAIN) {
                return wait(door);
            } else if (errno != EINTR && errno != ECONNABORTED) {
                break;  // no descriptor, no memory
            }
        }
        // Somebody waits and can't be served now: look again soon, not at once and for ever.
        door->again.expires_after(std::chrono::milliseconds(20));
        door->again.async_wait([this, door](const error_code& error) {
            if (!error && door->open) wait(door);
        });
    }

    // shutdown(2) makes a listening TCP socket refuse, and it keeps its port; listen(2) undoes it.
    void refuse() const {
        for (const auto& socket : sockets)
            ::shutdown(socket.fd.get(), SHUT_RD);
    }
    void listen_again() const {
        for (const auto& socket : sockets) {
            if (::listen(socket.fd.get(), SOMAXCONN) != 0) {
                log::error("socket {} does not listen again after --down refuse: {}",
                           socket.address, std::strerror(errno));
            }
        }
    }

    asio::io_context& io;
    Down mode;
    const std::vector<ListenSocket>& sockets;
    DownNotice notice;
    std::string last_end;
    bool is_open = false;
    std::vector<std::shared_ptr<Door>> doors;
    std::shared_ptr<std::size_t> clients = std::make_shared<std::size_t>(0);
};

DownAnswer::DownAnswer(asio::io_context& io, Down mode, const std::vector<ListenSocket>& sockets)
    : impl_(std::make_unique<Impl>(io, mode, sockets)) {}
DownAnswer::~DownAnswer() = default;

void DownAnswer::follow(const Lifecycle& lifecycle, SteadyTime now) {
    if (const auto notice = down_notice(impl_->mode, lifecycle, now, impl_->last_end)) {
        impl_->open(*notice);
    } else {
        impl_->close();
    }
}

void DownAnswer::ended(const std::string& text) {
    impl_->last_end = text;
}

void DownAnswer::close() {
    impl_->close();
}

}  // namespace oneloop
