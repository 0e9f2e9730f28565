// PollThread: exactly one thread, which polls while this process holds the permit.
//
// Waits for the job's lock about once a second when another process has it, turns the Poller's
// crank at its due times, and stops for good when a lock no longer names what was locked: from then
// on somebody else may be polling.
// Created in main after everything that can fail at start; joined in main.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <thread>

#include "worker/herald.h"
#include "worker/orders.h"
#include "worker/permit.h"
#include "worker/poller.h"

namespace oneloop::worker {

class PollThread {
  public:
    // Called when the lock is taken; throws StoreError. Main calls it itself when it got the lock
    // before, so that a broken state file ends the program with a message.
    using MakePoller = std::function<std::unique_ptr<Poller>()>;

    // `poller` may be null: the lock is not ours yet. `permit`, `board`, `herald` and `orders`
    // outlive this object; the herald is this thread's.
    PollThread(Permit& permit, std::unique_ptr<Poller> poller, MakePoller make_poller,
               StatusBoard& board, Herald& herald, Orders& orders);

    // Returns at once; the thread ends within 50 ms, even with a request in flight.
    void request_stop() { thread_.request_stop(); }
    void join() { thread_.join(); }

  private:
    void run(std::stop_token stop);
    bool wait_for_lock(std::stop_token stop);
    // False when this process must not poll any more. `lost`: nothing came of the tick.
    bool poll_once(std::stop_token stop, bool& lost);
    void give_up(const std::string& why);
    void say_trouble();

    Permit& permit_;
    std::unique_ptr<Poller> poller_;
    MakePoller make_poller_;
    StatusBoard& board_;
    Herald& herald_;
    Orders& orders_;
    std::string trouble_;  // of the state file, as it was said
    std::jthread thread_;  // last: it uses everything above
};

// Changes the board so that it says why nothing is polled.
void publish_not_polling(StatusBoard& board, const std::string& why);

}  // namespace oneloop::worker
