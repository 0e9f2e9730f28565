// announcer: what a person is told of what brain has advised, before it is carried out.
//
// Decides nothing, and nothing depends on it. Not for sentences that have to remember what came
// before (commentary). On the loop's thread.
#pragma once

#include <string>

#include "supervisor/brain.h"
#include "supervisor/options.h"

namespace oneloop {

class Announcer {
  public:
    explicit Announcer(const Options& options) : options_(options) {}

    void advised(const Advice& advice) const;
    // Who keeps the lock that a worker needs.
    static void lock_is_held(const std::string& path);

  private:
    Options options_;
};

}  // namespace oneloop
