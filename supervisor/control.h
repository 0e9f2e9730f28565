// control: the socket through which a running supervisor is asked and told (docs/control.md).
//
// A Unix stream socket in the instance's directory, 0600, for our own user and root. It reads
// lines, has them answered and writes the answers; it decides nothing. A client that is slow or
// silent holds up nobody and is dropped after ten seconds, but for who waits for a release; without
// a client nothing ever wakes up.
// On the loop's thread.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/result.h"
#include "supervisor/control_protocol.h"
#include "supervisor/sockets.h"

namespace oneloop {

class Control {
  public:
    // What the loop does when asked. `by` is the process that asks, 0 when it is not to be seen.
    struct Answers {
        std::function<control::StatusReport()> status;
        std::function<void(pid_t by)> restart;
        std::function<void(pid_t by)> pause;
        std::function<void(pid_t by)> resume;
        // The line to answer: ok, or why nothing is reloaded.
        std::function<std::string(pid_t by)> reload;
        // After its answer is sent, or for a release before it. May end the loop.
        std::function<void(pid_t by)> stop;
    };

    // `directory` is the instance's and supervisor.lock is held: a socket found there is a dead
    // supervisor's and is replaced. Errors name the step and the path.
    static Result<std::unique_ptr<Control>> open(boost::asio::io_context& io,
                                                 const std::string& directory, Answers answers);
    ~Control();
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    // Nothing of the last worker is left: who waits for a release gets the sockets. Takes at most
    // a second.
    void hand_over(const std::vector<ListenSocket>& sockets);

    // Removes the socket and drops every client. May be called from within an answer.
    void close();

  private:
    struct Impl;
    explicit Control(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace oneloop
