// hearing: is inotify not only accepted for a directory, but does it tell anything?
//
// A sandbox, an emulation or a file system may take a watch and never tell. Nothing is written to
// find out: the directory is opened while its watch tells of that too, and the kernel queues the
// event before open(2) returns. Not for what follows when nothing is heard (file_watcher). On the
// loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/clock.h"

namespace oneloop {

class Hearing {
  public:
    // `read`: reads all that the kernel has queued, and calls heard(). `silent`: of these watches
    // nothing was heard within the limit.
    Hearing(boost::asio::io_context& io, std::function<void()> read,
            std::function<void(const std::vector<int>&)> silent);

    // `wd`: the watch that `inotify` has on the directory; `mask`: what it tells otherwise.
    void test(int inotify, int wd, const std::string& path, std::uint32_t mask);
    // An event with IN_OPEN has come.
    void heard(int wd);
    // Events were lost, and that was told.
    void all_heard();

  private:
    struct Test {
        int inotify;
        std::string path;
        std::uint32_t mask;
    };
    void over();

    boost::asio::steady_timer timer_;
    std::function<void()> read_;
    std::function<void(const std::vector<int>&)> silent_;
    std::map<int, Test> tests_;
};

}  // namespace oneloop
