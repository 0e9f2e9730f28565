// DeliverThread: the thread that turns the Deliverer's crank, so that a mail server never holds up
// a poll.
//
// Rung by the polling thread when it has written messages, and looks by itself once a second. Ends
// when asked to, after an answer that is still owed; for good when this process may not deliver.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "worker/deliverer.h"

namespace oneloop::worker {

class DeliverThread {
  public:
    explicit DeliverThread(std::unique_ptr<Deliverer> deliverer);

    void ring();  // any thread
    void request_stop() { thread_.request_stop(); }
    void join() { thread_.join(); }

  private:
    void run(std::stop_token stop);

    std::unique_ptr<Deliverer> deliverer_;
    std::mutex mutex_;
    std::condition_variable_any bell_;
    bool rung_ = false;
    std::jthread thread_;  // last: it uses everything above
};

}  // namespace oneloop::worker
