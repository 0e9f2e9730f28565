// requests: everybody who may ask the supervisor for something: signals, keys, the control socket.
//
// Turns what they ask into the brain's inputs and answers them. It decides nothing. Not for what
// happens by itself (file_watcher, child). On the loop's thread.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/brain.h"
#include "supervisor/control_protocol.h"
#include "supervisor/sockets.h"
#include "supervisor/terminal.h"

namespace oneloop {

class Requests {
  public:
    // What the loop offers. All are called from the loop, none from within the constructor.
    struct Desk {
        std::function<void(const Input&)> dispatch;
        std::function<control::StatusReport()> status;
        std::function<void(const std::string& who)> restart_asked;  // before its dispatch
        std::function<bool()> paused;
        // Before a reload: why what was typed, or its file, would be refused now; none: it is fine.
        std::function<std::optional<std::string>()> mistake;
        std::function<void()> reloading;
        std::function<void()> not_reloaded;
        std::function<pid_t()> worker;              // 0: none
        std::function<void(int signal)> to_worker;  // as a terminal would send it
    };
    // `directory` of the instance.
    Requests(boost::asio::io_context& io, Terminal::Use use, const std::string& directory,
             Desk desk);
    ~Requests();
    Requests(const Requests&) = delete;
    Requests& operator=(const Requests&) = delete;

    [[nodiscard]] Terminal& terminal();
    // The worker was stopped by job control: by Ctrl-Z on the terminal that it was handed
    // (SIGTSTP), or because it uses that terminal from the background (SIGTTIN, SIGTTOU).
    void worker_suspended(int signal);
    // Nothing of the last worker is left: who asked for a release gets the sockets.
    void hand_over(const std::vector<ListenSocket>& sockets);
    // Nobody is answered from here on: main may be about to die by a signal.
    void close();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace oneloop
