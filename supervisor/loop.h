// loop: the supervisor's one event loop. It joins the parts, asks brain what an event means, does
// what brain says, and re-arms its one timer. It decides nothing itself.
#pragma once

#include <memory>

#include "common/notify.h"
#include "supervisor/instance.h"
#include "supervisor/options.h"

namespace oneloop {

struct LoopResult {
    int code = 0;
    int signal = 0;  // die by it after clean-up, or 0
};

class Loop {
  public:
    // Arms the watches. Throws WatchError (a path can't be watched) or std::system_error.
    Loop(const Options& options, Isolation isolation, const Instance& instance,
         const std::vector<ListenSocket>& sockets, const ServiceManager& manager);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    LoopResult run();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace oneloop
