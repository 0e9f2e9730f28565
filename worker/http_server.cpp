#include "worker/http_server.h"

#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>

#include "worker/http_session.h"

namespace oneloop::worker {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Code = boost::system::error_code;

constexpr std::chrono::milliseconds accept_pause{50};  // out of descriptors: don't spin

}  // namespace

struct HttpServer::Server : HttpCore {
    Server(UniqueFd listener, HttpSite& the_site, ServerLimits the_limits)
        : HttpCore(the_site, the_limits) {
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
                    auto session = std::make_shared<HttpSession>(std::move(socket));
                    sessions.insert(session);
                    asio::co_spawn(context, serve_session(this, session), asio::detached);
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

    // Looks while anybody follows, and wakes those who do. One look is one row of a small table, so
    // that nobody has to tell us: what another process changes is seen as well.
    asio::awaitable<void> news_loop() {
        std::int64_t seen = -1;
        while (!stopping) {
            // Nobody there: until somebody comes, who reads everything by itself first.
            news.expires_after(streams > 0 ? limits.news : std::chrono::hours(24));
            Code ignored;
            auto token = asio::redirect_error(asio::use_awaitable, ignored);
            co_await news.async_wait(token);
            if (stopping || streams == 0) continue;
            const std::int64_t now = site.newest();
            if (now == seen) continue;
            seen = now;
            for (const auto& session : sessions) {
                if (session->streams) session->pause.cancel();
            }
        }
    }

    // Closes what is idle and gives the rest a moment, so that a request that was accepted just
    // before a reload gets its answer.
    void begin_stop() {
        if (stopping) return;
        stopping = true;
        helper_stop.request_stop();
        Code ignored;
        acceptor.close(ignored);
        signals.cancel(ignored);
        news.cancel();
        if (sessions.empty()) {
            context.stop();
            return;
        }
        for (const auto& session : sessions) {
            if (session->idle) session->stream.cancel();
            if (session->streams) session->pause.cancel();
        }
        deadline.expires_after(limits.stop);
        deadline.async_wait([this](const Code&) { context.stop(); });
    }

    tcp::acceptor acceptor{context};
    asio::signal_set signals{context, SIGTERM, SIGINT};
    asio::steady_timer deadline{context};
    int signal = 0;
};

HttpServer::HttpServer(UniqueFd listener, HttpSite& site, ServerLimits limits)
    : server_(std::make_unique<Server>(std::move(listener), site, limits)) {}

HttpServer::~HttpServer() {
    server_->helper_stop.request_stop();
}

int HttpServer::run() {
    Server& server = *server_;
    server.signals.async_wait([&server](const Code& error, int signal) {
        if (error) return;
        server.signal = signal;
        server.begin_stop();
    });
    asio::co_spawn(server.context, server.accept_loop(), asio::detached);
    asio::co_spawn(server.context, server.news_loop(), asio::detached);
    server.context.run();
    return server.signal;
}

void HttpServer::stop() {
    asio::post(server_->context, [this] { server_->begin_stop(); });
}

}  // namespace oneloop::worker
