#include "supervisor/control.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <set>

#include "common/log.h"
#include "common/unique_fd.h"
#include "supervisor/control_address.h"
#include "supervisor/handover.h"
#include "supervisor/messages.h"

namespace oneloop {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using control::Request;

constexpr std::size_t most_clients = 32;
constexpr auto patience = std::chrono::seconds(10);  // for a whole line, and for its answer
constexpr auto accept_pause = std::chrono::milliseconds(200);  // when no descriptor is free

// Taken from the kernel at connect(2): unix(7), SO_PEERCRED.
ucred peer_of(int fd) {
    ucred peer{0, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
    socklen_t size = sizeof peer;
    ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    return peer;
}

// One line to somebody who asks for nothing more. The socket's buffer has room for it.
void say_last(int fd, const std::string& line) {
    (void)!::send(fd, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

struct Control::Impl {
    class Session;

    Impl(asio::io_context& context, Answers control_answers)
        : io(context), answers(std::move(control_answers)), acceptor(context), retry(context) {}
    ~Impl() { close(); }

    Result<void> bind(const std::string& instance_directory);
    void close();
    void hand_over(const std::vector<ListenSocket>& sockets);
    void listen();
    void accept_all();
    void greet(UniqueFd fd);
    std::string answer(Request request, pid_t by) const;
    void act(Request request, pid_t by) const;

    asio::io_context& io;
    Answers answers;
    Protocol::acceptor acceptor;
    asio::steady_timer retry;
    UniqueFd directory;
    bool bound = false;
    std::set<std::shared_ptr<Session>> sessions;
    std::vector<std::shared_ptr<Session>> waiting;  // of `sessions`, for the end
};

// One client. Its handlers keep it alive; `owner` is null once it is closed.
class Control::Impl::Session : public std::enable_shared_from_this<Session> {
  public:
    Session(Impl& impl, UniqueFd fd, pid_t peer)
        : owner_(&impl), socket_(impl.io), timer_(impl.io), peer_(peer) {
        boost::system::error_code error;
        socket_.assign(Protocol(), fd.get(), error);
        if (!error) (void)fd.release();
    }

    void start() { next(); }
    [[nodiscard]] int descriptor() { return socket_.native_handle(); }
    [[nodiscard]] pid_t peer() const { return peer_; }

    void close() {
        if (!owner_) return;
        Impl* const owner = std::exchange(owner_, nullptr);
        boost::system::error_code ignored;
        socket_.close(ignored);
        timer_.cancel();
        owner->sessions.erase(shared_from_this());
    }

  private:
    // Armed per line and per answer, not per byte: one byte now and then does not keep a place.
    void arm() {
        timer_.expires_after(patience);
        timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error) self->close();
        });
    }

    void next() {
        arm();
        take_line();
    }

    void take_line() {
        const auto end = input_.find('\n');
        if (std::min(end, input_.size()) > control::longest_line) {
            last_ = true;
            return reply(control::format_error("the line is longer than 64 KiB"), {});
        }
        if (end == std::string::npos) return read();
        const std::string line = input_.substr(0, end);
        input_.erase(0, end + 1);
        const auto request = control::parse_request(line);
        if (!request) return reply(control::format_error(request.error().what), {});
        if (*request == Request::release) return wait_for_the_end();
        // "ok" means that it is done; but after a stop nobody might be left to say so.
        const bool stop = *request == Request::stop;
        if (!stop) owner_->act(*request, peer_);
        if (!owner_) return;
        reply(owner_->answer(*request, peer_), stop ? std::optional(*request) : std::nullopt);
    }

    // A stop may take longer than our patience, and there is nothing to read meanwhile. When the
    // client goes away, the stop goes on; that is noticed at the end.
    void wait_for_the_end() {
        timer_.cancel();
        owner_->waiting.push_back(shared_from_this());
        owner_->act(Request::release, peer_);
    }

    void read() {
        socket_.async_read_some(
            asio::buffer(chunk_),
            [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                if (!self->owner_) return;
                // A line without its newline was cut off, and is not obeyed.
                if (error) return self->close();
                self->input_.append(self->chunk_.data(), size);
                self->take_line();
            });
    }

    // Nothing is read meanwhile: who does not read answers can't ask more.
    void reply(std::string text, std::optional<Request> afterwards) {
        output_ = std::move(text);
        arm();
        asio::async_write(socket_, asio::buffer(output_),
                          [self = shared_from_this(), afterwards](
                              const boost::system::error_code& error, std::size_t) {
                              self->replied(static_cast<bool>(error), afterwards);
                          });
    }

    void replied(bool failed, std::optional<Request> afterwards) {
        if (!owner_) return;
        // Also when the client did not wait for its answer.
        if (afterwards) owner_->act(*afterwards, peer_);
        if (!owner_) return;  // the loop has ended
        if (failed || last_) return close();
        next();
    }

    Impl* owner_;
    Protocol::socket socket_;
    asio::steady_timer timer_;
    pid_t peer_;
    std::array<char, 4096> chunk_{};
    std::string input_;
    std::string output_;
    bool last_ = false;
};

Result<void> Control::Impl::bind(const std::string& instance_directory) {
    directory.reset(::open(instance_directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return fail_errno("open " + instance_directory);
    auto fd = listen_for_control(instance_directory, directory.get());
    if (!fd) return tl::unexpected(fd.error());
    bound = true;
    boost::system::error_code failed;
    acceptor.assign(Protocol(), fd->get(), failed);
    if (failed) return fail("listen for control: " + failed.message(), failed.value());
    (void)fd->release();
    return {};
}

// The first who is still there gets them, in the order in which they asked.
void Control::Impl::hand_over(const std::vector<ListenSocket>& sockets) {
    const auto deadline = Steady::now() + std::chrono::seconds(1);
    std::optional<pid_t> taker;
    for (const auto& session : std::exchange(waiting, {})) {
        if (taker) {
            say_last(session->descriptor(), control::format_released_to(*taker));
        } else if (const auto sent = send_sockets(session->descriptor(), sockets, deadline)) {
            taker = session->peer();
            const auto what = messages::plural(*sent, "socket", "sockets");
            log::info("handed {} over to pid {}", what, *taker);
        } else {
            log::info("pid {} wanted to take over: {}", session->peer(), sent.error().what);
        }
    }
}

void Control::Impl::close() {
    if (std::exchange(bound, false)) ::unlinkat(directory.get(), control::socket_name, 0);
    boost::system::error_code ignored;
    acceptor.close(ignored);
    retry.cancel();
    waiting.clear();
    while (!sessions.empty())
        (*sessions.begin())->close();
}

void Control::Impl::listen() {
    acceptor.async_wait(Protocol::acceptor::wait_read,
                        [this](const boost::system::error_code& error) {
                            if (!error) accept_all();
                        });
}

void Control::Impl::accept_all() {
    for (;;) {
        // accept4(2), because Asio's own accept does not set close-on-exec.
        UniqueFd fd(
            ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (fd) {
            greet(std::move(fd));
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return listen();
        // No descriptor or no memory: the client is still in the queue, and would wake us at once.
        retry.expires_after(accept_pause);
        retry.async_wait([this](const boost::system::error_code& error) {
            if (!error) accept_all();
        });
        return;
    }
}

void Control::Impl::greet(UniqueFd fd) {
    const ucred peer = peer_of(fd.get());
    const char* why = nullptr;
    if (sessions.size() >= most_clients) why = "too many clients at once";
    if (peer.uid != ::geteuid() && peer.uid != 0) why = "this supervisor belongs to another user";
    if (why) return say_last(fd.get(), control::format_error(why));
    const auto session = std::make_shared<Session>(*this, std::move(fd), peer.pid);
    sessions.insert(session);
    session->start();
}

std::string Control::Impl::answer(Request request, pid_t by) const {
    if (request == Request::status) return control::format_status(answers.status());
    if (request == Request::why) return control::format_why(answers.status());
    if (request == Request::reload) return answers.reload(by);
    return control::format_ok();
}

void Control::Impl::act(Request request, pid_t by) const {
    switch (request) {
        case Request::restart:
            return answers.restart(by);
        case Request::pause:
            return answers.pause(by);
        case Request::resume:
            return answers.resume(by);
        case Request::stop:
        case Request::release:
            return answers.stop(by);
        default:  // the answer is all there is to it
            return;
    }
}

Control::Control(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Control::~Control() = default;

Result<std::unique_ptr<Control>> Control::open(asio::io_context& io, const std::string& directory,
                                               Answers answers) {
    auto impl = std::make_unique<Impl>(io, std::move(answers));
    if (auto bound = impl->bind(directory); !bound) return tl::unexpected(bound.error());
    impl->listen();
    return std::unique_ptr<Control>(new Control(std::move(impl)));
}

void Control::hand_over(const std::vector<ListenSocket>& sockets) {
    impl_->hand_over(sockets);
}

void Control::close() {
    impl_->close();
}

}  // namespace oneloop
