// down_answer: tells clients of the kept listening sockets that no worker is there to answer them.
//
// Open only while no worker lives (down says when): then it accepts, reads what is asked and
// answers 503, or refuses; after close() it accepts nobody, and who was accepted still gets the
// answer. At most 64 clients at a time, a second each; the others wait in the backlog. On the
// loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <vector>

#include "supervisor/down.h"
#include "supervisor/sockets.h"

namespace oneloop {

class DownAnswer {
  public:
    // `sockets` outlives it.
    DownAnswer(boost::asio::io_context& io, Down mode, const std::vector<ListenSocket>& sockets);
    ~DownAnswer();
    DownAnswer(const DownAnswer&) = delete;
    DownAnswer& operator=(const DownAnswer&) = delete;

    // After each event: tells clients, or does not, as `lifecycle` is now.
    void follow(const Lifecycle& lifecycle, SteadyTime now);
    // A worker has ended, in the words of the console.
    void ended(const std::string& text);
    // Before a worker starts: from here on the sockets are as a worker is promised them.
    void close();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace oneloop
