// signals: what a signal to the supervisor asks for: stop, restart, suspend, or "pass it on".
//
// Not for the worker's signals (child) and not for what follows (lifecycle). On the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

namespace oneloop {

class Signals {
  public:
    struct Events {
        std::function<void(int signal)> restart;
        // `insistent`: from a person, for whom asking twice means "at once".
        std::function<void(int signal, bool insistent)> stop;
        std::function<void()> suspend;  // Ctrl-Z: stop what we started, then call stop_ourselves()
        std::function<void()> resumed;  // SIGCONT: after fg, bg, or anybody's kill -CONT
        std::function<void(int signal)> pass;  // the worker's business: SIGWINCH, SIGUSR2
    };
    Signals(boost::asio::io_context& io, Events events);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    // As SIGTSTP, SIGTTIN or SIGTTOU does without a handler: returns when somebody continues us, or
    // at once where nobody could (an orphaned process group, setpgid(2)).
    void stop_ourselves(int signal);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace oneloop
