// HttpServer: answers GET /, /status and /healthz from the status board.
//
// The only file that names Boost.Asio and Beast. Everything it says is decided by status.h; this
// is about sockets: limits, time-outs, and a stop that lets answers in flight finish.
// Owns the main thread while run() lasts, and the signals.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "common/unique_fd.h"
#include "worker/status_board.h"

namespace oneloop::worker {

struct ServerLimits {
    std::size_t connections = 256;              // more wait in the kernel's queue
    std::size_t header_bytes = 8U << 10;        // longer: 431
    std::chrono::milliseconds request{10'000};  // until a request is complete
    std::chrono::milliseconds idle{60'000};     // between requests of one connection
    std::chrono::milliseconds stop{50};         // for answers in flight when a stop comes
};

class HttpServer {
  public:
    // Takes the listening socket. Catches SIGTERM and SIGINT from here on.
    // Throws std::system_error.
    HttpServer(UniqueFd listener, const StatusBoard& board, ServerLimits limits = {});
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
