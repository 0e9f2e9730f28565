#include "worker/http_server.h"

#include <sys/socket.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <set>

namespace oneloop::worker {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Code = boost::system::error_code;
using Parser = http::request_parser<http::empty_body>;
using Reply = http::response<http::string_body>;

constexpr std::chrono::milliseconds accept_pause{50};  // out of descriptors: don't spin

Reply make_reply(const HttpAnswer& answer, unsigned version, bool keep_alive, bool head) {
    Reply reply(static_cast<http::status>(answer.code), version);
    reply.set(http::field::server, "oneloop/" ONELOOP_VERSION);
    reply.set(http::field::content_type, answer.type);
    reply.set(http::field::cache_control, "no-store");
    if (answer.any_origin) reply.set(http::field::access_control_allow_origin, "*");
    if (!answer.allow.empty()) reply.set(http::field::allow, answer.allow);
    reply.keep_alive(keep_alive);
    reply.content_length(answer.body.size());
    if (!head) reply.body() = answer.body;
    return reply;
}

HttpAnswer refusal(const Code& error) {
    const auto json = [](const char* code, const char* message) {
        return std::string(R"({"error":{"code":")") + code + R"(","message":")" + message +
               "\"}}\n";
    };
    if (error == http::error::header_limit) {
        return {431, "application/json", json("header_limit", "the header is too long"), false, ""};
    }
    if (error == http::error::body_limit || error == http::error::unexpected_body) {
        return {413, "application/json", json("no_body", "requests have no body here"), false, ""};
    }
    return {400, "application/json", json("bad_request", "not an HTTP request"), false, ""};
}

// True for an error of HTTP, which deserves an answer; false for one of the connection.
bool is_http_error(const Code& error) {
    return error.category() == Code(http::error::end_of_stream).category() &&
           error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

struct HttpServer::Server {
    // One connection, known to the server so that a stop can reach it.
    struct Session {
        Session(tcp::socket socket) : stream(std::move(socket)) {}
        beast::tcp_stream stream;
        bool idle = false;  // between two requests: nothing is lost when it is closed
    };

    Server(UniqueFd listener, const StatusBoard& the_board, ServerLimits the_limits)
        : board(the_board), limits(the_limits) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
            throw std::system_error(errno, std::system_category(), "getsockname");
        }
        acceptor.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), listener.release());
    }

    asio::awaitable<void> accept_loop() {
        asio::steady_timer pause(context);
        while (!stopping) {
            Code error;
            if (sessions.size() >= limits.connections) {
                error = asio::error::no_descriptors;
            } else {
                auto token = asio::redirect_error(asio::use_awaitable, error);
                tcp::socket socket = co_await acceptor.async_accept(token);
                if (!error) {
                    set_cloexec(socket.native_handle(), true);
                    auto session = std::make_shared<Session>(std::move(socket));
                    sessions.insert(session);
                    asio::co_spawn(context, serve(this, session), asio::detached);
                    continue;
                }
            }
            if (stopping) break;
            // EMFILE and the like pass; a connection that died in the queue is nobody's loss.
            pause.expires_after(accept_pause);
            Code ignored;
            auto token = asio::redirect_error(asio::use_awaitable, ignored);
            co_await pause.async_wait(token);
        }
    }

    // Static with everything as a parameter: a coroutine outlives the call that made it.
    static asio::awaitable<void> serve(Server* server, std::shared_ptr<Session> session) {
        beast::flat_buffer buffer;
        bool more = true;
        while (more && !server->stopping) {
            Parser parser;
            parser.header_limit(static_cast<std::uint32_t>(server->limits.header_bytes));
            parser.body_limit(0);
            Code error;
            if (buffer.size() == 0 && session->idle) {
                // The next request may take its time to begin; then it has to be quick.
                session->stream.expires_after(server->limits.idle);
                auto begin = asio::redirect_error(asio::use_awaitable, error);
                const auto space = buffer.prepare(1024);
                const std::size_t size = co_await session->stream.async_read_some(space, begin);
                if (error) break;
                buffer.commit(size);
            }
            session->idle = false;
            session->stream.expires_after(server->limits.request);
            auto read = asio::redirect_error(asio::use_awaitable, error);
            co_await http::async_read(session->stream, buffer, parser, read);
            if (error && !is_http_error(error)) break;

            const auto& request = parser.get();
            HttpAnswer said;
            if (error) {
                said = refusal(error);
                more = false;
            } else {
                const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(
                    Steady::now() - server->started);
                const auto method = request.method_string();
                const auto target = request.target();
                said = answer({method.data(), method.size()}, {target.data(), target.size()},
                              *server->board.read(), BootClock::now(), uptime);
                more = request.keep_alive() && !server->stopping;
            }
            Reply reply = make_reply(said, error ? 11 : request.version(), more,
                                     request.method() == http::verb::head);
            Code failed;
            auto written = asio::redirect_error(asio::use_awaitable, failed);
            co_await http::async_write(session->stream, reply, written);
            if (failed) break;
            session->idle = true;
        }
        Code ignored;
        session->stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
        session->stream.close();
        server->sessions.erase(session);
        if (server->stopping && server->sessions.empty()) server->context.stop();
    }

    // Closes what is idle and gives the rest a moment, so that a request that was accepted just
    // before a reload gets its answer.
    void begin_stop() {
        if (stopping) return;
        stopping = true;
        Code ignored;
        acceptor.close(ignored);
        signals.cancel(ignored);
        if (sessions.empty()) {
            context.stop();
            return;
        }
        for (const auto& session : sessions) {
            if (session->idle) session->stream.cancel();
        }
        deadline.expires_after(limits.stop);
        deadline.async_wait([this](const Code&) { context.stop(); });
    }

    const StatusBoard& board;
    const ServerLimits limits;
    const SteadyTime started = Steady::now();
    asio::io_context context{1};
    tcp::acceptor acceptor{context};
    asio::signal_set signals{context, SIGTERM, SIGINT};
    asio::steady_timer deadline{context};
    std::set<std::shared_ptr<Session>> sessions;
    bool stopping = false;
    int signal = 0;
};

HttpServer::HttpServer(UniqueFd listener, const StatusBoard& board, ServerLimits limits)
    : server_(std::make_unique<Server>(std::move(listener), board, limits)) {}

HttpServer::~HttpServer() = default;

int HttpServer::run() {
    Server& server = *server_;
    server.signals.async_wait([&server](const Code& error, int signal) {
        if (error) return;
        server.signal = signal;
        server.begin_stop();
    });
    asio::co_spawn(server.context, server.accept_loop(), asio::detached);
    server.context.run();
    return server.signal;
}

void HttpServer::stop() {
    asio::post(server_->context, [this] { server_->begin_stop(); });
}

}  // namespace oneloop::worker
