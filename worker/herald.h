// Herald: what this worker tells the supervisor or service manager that started it (sd_notify(3)).
//
// Ready once it serves and nothing is due any more; the next poll as its status; and signs of life
// by the hands of the polling thread itself, so that one that hangs is silent whatever the rest of
// the program does. Nobody is waited for, and without NOTIFY_SOCKET nothing is sent.
// One thread at a time: main's until the polling thread starts, that thread's from then on; `left`
// is any thread's.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "common/notify.h"
#include "worker/status.h"

namespace oneloop::worker {

class Herald {
  public:
    // The longest that the polling thread waits for anything without coming round.
    static constexpr std::chrono::milliseconds longest_round{1'000};

    explicit Herald(ServiceManager manager = {});

    // Ready, and nobody is to expect a sign: there is no polling thread.
    void serves_only(const std::string& why);
    // Ready, as far as it goes: somebody else polls for this job, and we wait for his end.
    void waits(const std::string& why);
    // Nothing is due: ready, and when the next poll is.
    void caught_up(const Snapshot& snapshot);
    // The polling thread has come round. Cheap: most calls send nothing.
    void alive();

    // How long this process stays the one that polls if no further sign of life is given: then the
    // supervisor ends it and starts the next. Nothing: for ever, nobody asks for signs.
    [[nodiscard]] std::optional<Duration> left() const;

    // At most so long between two calls of alive().
    [[nodiscard]] std::chrono::milliseconds round() const;

  private:
    void ready(const std::string& status);
    bool say(const std::string& lines);

    ServiceManager manager_;
    bool ready_ = false;
    std::string status_;
    std::atomic<SteadyTime> last_sign_ = SteadyTime::min();
};

}  // namespace oneloop::worker
