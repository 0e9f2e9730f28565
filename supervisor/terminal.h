// terminal: our standard input: keys typed by a person, its end, and whose turn it is to read it.
//
// A terminal has one foreground process group (tcsetpgrp(3)), and only that one may read. As a
// rule it is ours and lines typed are keys; with --stdin worker it is handed to each worker and
// taken back, modes restored, when the worker is gone. In the background (`supervisor … &`) it is
// left alone until somebody brings us to the foreground. Not for signals (signals). On the loop's
// thread.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "supervisor/warden_protocol.h"

namespace oneloop {

class Terminal {
  public:
    enum class Use {
        keys,    // read lines when it is a terminal
        end,     // the same, and tell the end of any standard input (--stdin-quit)
        worker,  // the worker's: nothing is read here
    };
    struct Events {
        std::function<void(const std::string& line)> line;
        std::function<void()> end;  // with Use::end only
    };
    Terminal(boost::asio::io_context& io, Use use, Events events);
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    // Standard input is a terminal and lines are read from it as keys.
    [[nodiscard]] bool takes_keys() const;
    // What the next worker is to do with it.
    [[nodiscard]] Handing handing() const;

    // After the worker's end, and before ours: foreground and modes are as they were at the start,
    // unless the foreground is a living group's, say the shell's.
    void take_back();
    // While `group` lives, but is stopped: the foreground becomes ours, the modes stay.
    void take_from(pid_t group);
    // Makes `group` the foreground, if it is ours at the moment. False: it is not ours to give.
    bool give_to(pid_t group);

    // After SIGCONT: we may be in the foreground now.
    void resumed();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace oneloop
