// notify_socket: where a worker says that it is ready and that it lives: what it is handed as
// NOTIFY_SOCKET.
//
// A datagram socket in the instance's directory, 0600; where the path is too long for an address,
// an abstract name. Only what we ourselves and root send is passed on; descriptors that come along
// are closed. Not for what the messages mean (notify_message, readiness). On the loop's thread;
// without a message nothing ever wakes up.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "common/result.h"
#include "supervisor/notify_message.h"

namespace oneloop {

class NotifySocket {
  public:
    static constexpr const char* name = "notify.sock";  // in the instance's directory

    struct Events {
        // `sender` as our PID namespace has it, 0 when it is not to be seen there.
        std::function<void(const NotifyMessage&, pid_t sender)> said;
        // What was not obeyed, as a sentence for people.
        std::function<void(const std::string&)> refused;
    };

    // `directory` is the instance's and supervisor.lock is held: a socket found there is a dead
    // supervisor's and is replaced. Errors name the step and the path.
    static Result<std::unique_ptr<NotifySocket>> open(boost::asio::io_context& io,
                                                      const std::string& directory,
                                                      const std::string& instance, Events events);
    ~NotifySocket();
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    // For NOTIFY_SOCKET: a path, or "@name".
    [[nodiscard]] const std::string& address() const;

    // What is queued is of an earlier generation, of which nothing is left to say more.
    void discard();
    // Passes on what is queued, now: before somebody is judged by his silence.
    void drain();

  private:
    struct Impl;
    explicit NotifySocket(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace oneloop
