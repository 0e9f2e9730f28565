// hooks: commands of the user's that are run when something has happened, one after the other.
//
// They run under a warden of their own, are handed nothing of a worker's, and hold nothing up: what
// takes longer than ten seconds is ended, and what comes while too many wait is dropped and said.
// Not for when something has happened (announcer). On the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "supervisor/helper.h"

namespace oneloop {

class Hooks {
  public:
    struct Call {
        std::string name;  // for messages: "hook crash"
        std::vector<std::string> command;
        // Instead of the usual line about a failure; null: the usual one.
        std::function<void(const HelperEnd&)> failed = nullptr;
    };
    // `done`: see end().
    Hooks(boost::asio::io_context& io, ChildSetup setup, std::function<void()> done);
    Hooks(const Hooks&) = delete;
    Hooks& operator=(const Hooks&) = delete;

    void run(Call call);
    // What waits is dropped and what runs is ended; `last`, if it has a command, is given two
    // seconds. `done` is called when nothing is left, perhaps from here.
    void end(Call last);

  private:
    void next();
    void ended(const HelperEnd& end);
    void limit(Duration time);

    std::function<void()> done_;
    std::deque<Call> waiting_;
    Call current_;
    bool late_ = false;
    bool full_ = false;  // said
    bool ending_ = false;
    bool finished_ = false;
    Helper helper_;
    boost::asio::steady_timer timer_;
};

}  // namespace oneloop
