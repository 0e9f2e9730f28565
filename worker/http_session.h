// http_session: one connection of the server, from its first byte to its last.
//
// Private to http_*.cpp: it names Beast, which costs seconds a file. The HTTP thread's, all of it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <memory>
#include <set>
#include <stop_token>

#include "common/clock.h"
#include "worker/http_server.h"

namespace oneloop::worker {

struct HttpSession {
    explicit HttpSession(boost::asio::ip::tcp::socket socket)
        : stream(std::move(socket)), pause(stream.get_executor()) {}
    boost::beast::tcp_stream stream;
    boost::asio::steady_timer pause;  // of a stream that waits for something to happen
    bool idle = false;                // nothing is lost when it is closed now
    bool streams = false;
};

// What the connections share. They are known here so that a stop and news can reach them.
struct HttpCore {
    HttpCore(HttpSite& the_site, ServerLimits the_limits) : site(the_site), limits(the_limits) {}

    HttpSite& site;
    const ServerLimits limits;
    boost::asio::io_context context{1};
    std::set<std::shared_ptr<HttpSession>> sessions;
    std::size_t streams = 0;
    boost::asio::steady_timer news{context};  // until somebody looks for what is new
    bool stopping = false;
    // For answers that take a while; ends before the context, which its work posts to.
    bool helping = false;
    std::stop_source helper_stop;
    boost::asio::thread_pool helper{1};
};

// Ends when the connection does, and takes the session out of `core`.
// Everything is a parameter: a coroutine outlives the call that made it.
boost::asio::awaitable<void> serve_session(HttpCore* core, std::shared_ptr<HttpSession> session);

}  // namespace oneloop::worker
