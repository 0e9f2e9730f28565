// reaper: buries the dead that nobody else waits for.
//
// As process 1 of a container the supervisor is given every orphan of it, also those of a `docker
// exec`; and who was started by the exec of a shell that had children has got those. Unburied, each
// keeps its entry in the process table. It ends nobody, and leaves the warden's status to whom it
// belongs. Lives on the loop's thread.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>

namespace oneloop {

class Reaper {
  public:
    // `is_ours`: whose end somebody else waits for. `buried`: this pid is free from here on.
    Reaper(boost::asio::io_context& io, std::function<bool(pid_t)> is_ours,
           std::function<void(pid_t)> buried);
    Reaper(const Reaper&) = delete;
    Reaper& operator=(const Reaper&) = delete;

    // At each SIGCHLD from here on.
    void listen();
    // Now. Behind a dead one of ours the kernel shows no other, so look again when that is waited
    // for.
    void look();

  private:
    void wait();

    boost::asio::signal_set signals_;
    std::function<bool(pid_t)> is_ours_;
    std::function<void(pid_t)> buried_;
};

}  // namespace oneloop
