// helper: a command that is no worker, a build or a hook, run under a warden of its own.
//
// One at a time, without a descriptor or a variable of a worker's. When its first process ends,
// what it left behind is ended; when the supervisor is gone, its warden ends it all. Not for what
// to run and when. On the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "supervisor/child.h"

namespace oneloop {

struct HelperEnd {
    WorkerEnd end;  // of the first process
    Duration lived{};
    [[nodiscard]] bool success() const;
    [[nodiscard]] std::string text() const;  // "exit 2", "SIGKILL"
};

class Helper {
  public:
    // `setup`: of a child without a lock. `ended`: nothing of it is left.
    Helper(boost::asio::io_context& io, ChildSetup setup,
           std::function<void(const HelperEnd&)> ended);
    Helper(const Helper&) = delete;
    Helper& operator=(const Helper&) = delete;

    void run(std::vector<std::string> command);  // not while alive()
    void ask();                                  // TERM to its process group
    void kill(bool warden_too = false);
    [[nodiscard]] bool alive() const { return child_.alive(); }
    [[nodiscard]] Duration lives() const { return Steady::now() - since_; }

  private:
    std::function<void(const HelperEnd&)> ended_;
    HelperEnd end_;
    SteadyTime since_;
    Child child_;
};

// A line for the shell, as an argument vector.
std::vector<std::string> shell_command(const std::string& line);

}  // namespace oneloop
