// vitals: the worker's readiness and signs of life, joined: the socket it speaks to, the probe that
// asks it, the look that excuses it, and the value that judges it.
//
// Told by the loop what happens to the generation; tells back when it has failed though it lives,
// and when something changed that people may want to see. It decides nothing itself (readiness,
// watchdog). On the loop's thread; without --ready and --watchdog nothing wakes up.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "supervisor/control_protocol.h"
#include "supervisor/readiness.h"

namespace oneloop {

struct VitalsSetup {
    ReadySpec ready;
    ReadinessOptions options;
    int listening = -1;         // the first socket; -1: none
    std::string directory;      // of the instance
    std::string instance;       // uuid
    bool needs_socket = false;  // NOTIFY_SOCKET is served, or it is an error
    bool wants_socket = false;  // served if it can be
};

class Vitals {
  public:
    struct Events {
        std::function<void(const Unresponsive&)> failed;
        std::function<void()> changed;  // ready, or its own words
    };
    // Throws std::system_error when NOTIFY_SOCKET is needed and can't be served.
    Vitals(boost::asio::io_context& io, VitalsSetup setup, Events events);
    ~Vitals();
    Vitals(const Vitals&) = delete;
    Vitals& operator=(const Vitals&) = delete;

    // What the worker gets as NOTIFY_SOCKET; empty: not served.
    [[nodiscard]] std::string notify_address() const;

    void spawning();
    void started(pid_t worker);
    // It is told to stop, or gone.
    void over();
    // At the end of all: NOTIFY_SOCKET is removed. main may be about to die by a signal.
    void close();

    [[nodiscard]] bool ready() const;
    void report(control::StatusReport& report) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace oneloop
