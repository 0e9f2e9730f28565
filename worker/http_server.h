// HttpServer: the listening socket, its connections, and their end.
//
// Everything it says is decided by an HttpSite; this is about sockets: limits, time-outs, news for
// streams, and a stop that lets answers in flight finish. Beast is named in http_session.h.
// Owns the main thread while run() lasts, and the signals.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "common/unique_fd.h"
#include "worker/http_site.h"

namespace oneloop::worker {

struct ServerLimits {
    std::size_t connections = 256;                // more wait in the kernel's queue
    std::size_t header_bytes = 8U << 10;          // longer: 431
    std::size_t body_bytes = 256U << 10;          // longer: 413
    std::chrono::milliseconds request{10'000};    // until a request is complete, or one write
    std::chrono::milliseconds idle{60'000};       // between requests of one connection
    std::chrono::milliseconds heartbeat{15'000};  // of a stream in which nothing happens
    std::chrono::milliseconds news{100};          // how often streams look whether there is any
    std::chrono::milliseconds stop{50};           // for answers in flight when a stop comes
};

class HttpServer {
  public:
    // Takes the listening socket. Catches SIGTERM and SIGINT from here on. `site` outlives it.
    // Throws std::system_error.
    HttpServer(UniqueFd listener, HttpSite& site, ServerLimits limits = {});
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // Until SIGTERM, SIGINT or stop(); returns the signal, or 0.
    int run();
    // Any thread.
    void stop();

  private:
    struct Server;
    std::unique_ptr<Server> server_;
};

}  // namespace oneloop::worker
