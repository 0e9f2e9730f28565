// upheavals: something was mounted or unmounted, or the machine slept: what inotify does not tell.
//
// Both are told by the kernel, so that nothing has to be looked at while nothing happens. On the
// loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <string>
#include <vector>

namespace oneloop {

class Upheavals {
  public:
    // `roots`: what is watched. `happened(true)`: look at everything again; with false something
    // was mounted that is not below a root, though perhaps over one. Without /proc or timers it is
    // never called.
    Upheavals(boost::asio::io_context& io, const std::vector<std::string>& roots,
              std::function<void(bool below)> happened);

  private:
    [[nodiscard]] std::string mounts_below() const;
    void wait_for_mounts();
    void wait_for_clock();
    void arm_clock();

    std::vector<std::string> roots_;  // as /proc writes them
    std::function<void(bool below)> happened_;
    std::string seen_;
    boost::asio::posix::stream_descriptor mounts_;
    boost::asio::posix::stream_descriptor clock_;
};

}  // namespace oneloop
