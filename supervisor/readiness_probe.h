// readiness_probe: asks a worker through its socket whether it serves yet.
//
// --ready socket: a connection to the first handed-over socket is accepted. The kernel completes
// connections by itself, so being connected says nothing; that the queue of the listening socket is
// empty again does. --ready http:/PATH: a GET there is answered with a status of 200 to 399.
// A worker that lets it hang holds up nothing. Not for what follows (readiness). On the loop's
// thread; nothing wakes up unless it is asking.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string_view>

#include "supervisor/readiness.h"

namespace oneloop {

class ReadinessProbe {
  public:
    // `listening` is the supervisor's own copy of the socket and stays open.
    ReadinessProbe(boost::asio::io_context& io, int listening, ReadySpec spec,
                   std::function<void()> answered);
    ~ReadinessProbe();
    ReadinessProbe(const ReadinessProbe&) = delete;
    ReadinessProbe& operator=(const ReadinessProbe&) = delete;

    // Asks until it is answered, which is told once, or until stop().
    void start();
    void stop();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

// Of the beginning of a reply: "HTTP/1.1 204 No Content". 0: it is none, or not yet complete.
int http_status(std::string_view reply);

}  // namespace oneloop
