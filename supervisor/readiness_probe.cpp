#include "supervisor/readiness_probe.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string>

#include "common/clock.h"

namespace oneloop {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr auto look_again = milliseconds(10);              // at the queue
constexpr auto ask_again = milliseconds(100);              // after an answer that was none
constexpr Duration first_limit = std::chrono::seconds(1);  // of one connection, doubled each time
constexpr Duration longest_limit = std::chrono::seconds(30);
constexpr std::size_t longest_status_line = 512;

// Where to connect to. What listens on all addresses is asked on the loopback one.
std::optional<tcp::endpoint> endpoint_of(int listening) {
    tcp::endpoint endpoint;
    auto size = static_cast<socklen_t>(endpoint.capacity());
    if (::getsockname(listening, endpoint.data(), &size) != 0) return std::nullopt;
    endpoint.resize(size);
    const auto address = endpoint.address();
    if (address.is_unspecified()) {
        endpoint.address(address.is_v4() ? asio::ip::address(asio::ip::address_v4::loopback())
                                         : asio::ip::address(asio::ip::address_v6::loopback()));
    }
    return endpoint;
}

// Connections that nobody has accepted: of a listening socket tcp(7)'s TCP_INFO tells its queue,
// tcpi_unacked of at most tcpi_sacked. Negative when it can't be known.
int waiting_connections(int listening) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(listening, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return -1;
    return static_cast<int>(info.tcpi_unacked);
}

std::string host_of(const tcp::endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    return fmt::format(fmt::runtime(endpoint.address().is_v6() ? "[{}]:{}" : "{}:{}"), address,
                       endpoint.port());
}

// One connection. Its handlers keep it alive; closed, they do nothing.
struct Attempt {
    explicit Attempt(asio::io_context& io) : socket(io), limit(io), pause(io) {}
    void close() {
        error_code ignored;
        socket.close(ignored);
        limit.cancel();
        pause.cancel();
        open = false;
    }
    tcp::socket socket;
    asio::steady_timer limit;
    asio::steady_timer pause;
    std::string request;
    std::array<char, 512> chunk{};
    std::string reply;
    int empty_looks = 0;  // at the queue, in a row
    bool open = true;
};
using AttemptPtr = std::shared_ptr<Attempt>;

}  // namespace

struct ReadinessProbe::Impl : std::enable_shared_from_this<ReadinessProbe::Impl> {
    Impl(asio::io_context& context, int fd, ReadySpec what, std::function<void()> when_answered)
        : io(context),
          listening(fd),
          spec(std::move(what)),
          answered(std::move(when_answered)),
          retry(context) {}

    void start() {
        stop();
        next_limit = first_limit;
        ask();
    }

    void stop() {
        retry.cancel();
        if (attempt) attempt->close();
        attempt.reset();
        ++round;
    }

    void ask() {
        const auto endpoint = endpoint_of(listening);
        if (!endpoint) return;
        attempt = std::make_shared<Attempt>(io);
        arm_limit(attempt);
        if (spec.by == ReadySpec::By::http) {
            attempt->request = fmt::format(
                "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: oneloop-supervisor/" ONELOOP_VERSION
                "\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                spec.path, host_of(*endpoint));
        }
        attempt->socket.async_connect(
            *endpoint, [self = shared_from_this(), one = attempt](const error_code& error) {
                if (!one->open) return;
                if (error) return self->again(one);
                if (self->spec.by == ReadySpec::By::socket) return self->look_later(one);
                self->send(one);
            });
    }

    // A worker may have lost one connection and answer the next, so none is waited for for ever;
    // one that is slow to start gets ever more time, so that it does not find a heap of them.
    void arm_limit(const AttemptPtr& one) {
        one->limit.expires_after(next_limit);
        next_limit = std::min(2 * next_limit, longest_limit);
        one->limit.async_wait([self = shared_from_this(), one](const error_code& error) {
            if (!error && one->open) self->again(one);
        });
    }

    void again(const AttemptPtr& one) {
        one->close();
        retry.expires_after(ask_again);
        retry.async_wait([self = shared_from_this(), now = round](const error_code& error) {
            if (!error && now == self->round) self->ask();
        });
    }

    void done(const AttemptPtr& one) {
        one->close();
        answered();
    }

    // ---- --ready socket ----
    void look(const AttemptPtr& one) {
        // Closed, or spoken to: then it was accepted, though others may wait.
        char byte = 0;
        const ssize_t got = ::recv(one->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (got >= 0) return done(one);
        if (errno != EAGAIN && errno != EINTR) return again(one);
        // Our end is connected a moment before the other one is in the queue, so once is not
        // enough.
        one->empty_looks = waiting_connections(listening) == 0 ? one->empty_looks + 1 : 0;
        if (one->empty_looks >= 2) return done(one);
        look_later(one);
    }

    void look_later(const AttemptPtr& one) {
        one->pause.expires_after(look_again);
        one->pause.async_wait([self = shared_from_this(), one](const error_code& error) {
            if (!error && one->open) self->look(one);
        });
    }

    // ---- --ready http ----
    void send(const AttemptPtr& one) {
        asio::async_write(one->socket, asio::buffer(one->request),
                          [self = shared_from_this(), one](const error_code& error, std::size_t) {
                              if (!one->open) return;
                              if (error) return self->again(one);
                              self->receive(one);
                          });
    }

    void receive(const AttemptPtr& one) {
        one->socket.async_read_some(
            asio::buffer(one->chunk),
            [self = shared_from_this(), one](const error_code& error, std::size_t size) {
                if (!one->open) return;
                one->reply.append(one->chunk.data(), size);
                const int status = http_status(one->reply);
                if (status >= 200 && status < 400) return self->done(one);
                const bool whole = one->reply.find('\n') != std::string::npos;
                if (error || whole || one->reply.size() > longest_status_line) {
                    return self->again(one);
                }
                self->receive(one);
            });
    }

    asio::io_context& io;
    int listening;
    ReadySpec spec;
    std::function<void()> answered;
    asio::steady_timer retry;
    AttemptPtr attempt;
    Duration next_limit = first_limit;
    std::uint64_t round = 0;  // a retry that is due already belongs to the one before
};

ReadinessProbe::ReadinessProbe(asio::io_context& io, int listening, ReadySpec spec,
                               std::function<void()> answered)
    : impl_(std::make_shared<Impl>(io, listening, std::move(spec), std::move(answered))) {}
ReadinessProbe::~ReadinessProbe() {
    impl_->stop();
}

void ReadinessProbe::start() {
    impl_->start();
}
void ReadinessProbe::stop() {
    impl_->stop();
}

int http_status(std::string_view reply) {
    // RFC 9112, section 4: HTTP-version SP status-code SP …, ended by a newline.
    const auto end = reply.find('\n');
    if (end == std::string_view::npos) return 0;
    std::string_view line = reply.substr(0, end);
    if (!line.starts_with("HTTP/")) return 0;
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return 0;
    line.remove_prefix(space + 1);
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, digit)) return 0;
    if (line.size() > 3 && line[3] != ' ' && line[3] != '\r') return 0;
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

}  // namespace oneloop
