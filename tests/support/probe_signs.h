// probe_signs: what the probe worker says about itself through NOTIFY_SOCKET, and whether it
// answers on its first socket: by hand, without a library, so that both ends of a test differ.
//
// Each thing happens when a file exists that the test makes, so that the test knows what was
// before. SIGUSR1 takes the signs of life away, and nothing else: a worker that hangs. On the
// probe's thread.
#pragma once

#include <string>

namespace oneloop::test {

struct SignWishes {
    std::string say;           // once, at the start; "\n" in it is written as such
    std::string ready_when;    // READY=1 once this exists; "now": at the start
    std::string ready_by;      // who says it: "": itself, "child", "stranger" (uid 65534)
    std::string serve_when;    // connections on fd 3 are accepted once this exists
    std::string healthy_when;  // and answered with 200 once this exists, 503 before
    long alive_every = 0;      // ms between WATCHDOG=1, from READY=1 on; 0: never
};

class ProbeSigns {
  public:
    explicit ProbeSigns(const SignWishes& wishes);
    // One round of its loop: never waits.
    void turn();

  private:
    void serve() const;

    SignWishes wishes_;
    bool ready_ = false;
    long last_sign_ = 0;  // ms
};

}  // namespace oneloop::test
