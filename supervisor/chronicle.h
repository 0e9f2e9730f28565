// chronicle: what has happened, kept for whoever asks later: status and why.
//
// Pure. The loop tells it what it does; it decides nothing and nothing depends on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "supervisor/brain.h"
#include "supervisor/control_protocol.h"

namespace oneloop {

class Chronicle {
  public:
    // `facts`: the fields of a report that never change while we run.
    explicit Chronicle(control::StatusReport facts) : facts_(std::move(facts)) {}

    // What brain has advised, before it is carried out. `now`: seconds since the epoch.
    void advised(const Advice& advice, std::int64_t now);
    // Somebody asked for a restart: "SIGUSR1", "pid 4711".
    void asked(const std::string& by);
    void started(std::uint64_t generation, std::int64_t now);
    // A worker ended, in the words of the console.
    void ended(const std::string& text, std::int64_t now);

    struct Present {
        int worker_pid = 0;  // 0: none
        SteadyTime now;
        std::optional<control::Watching> watching;
    };
    // Of the last restart; none before the first.
    [[nodiscard]] const std::optional<control::Cause>& cause() const { return last_; }
    [[nodiscard]] control::StatusReport report(const Brain& brain, const Present& present) const;

  private:
    void propose(control::Cause cause);

    control::StatusReport facts_;
    std::optional<control::Cause> coming_;  // of the next start
    std::optional<control::Cause> last_;
    std::optional<control::End> last_end_;
    std::uint64_t starts_ = 0;
    std::uint64_t generation_ = 0;
    std::int64_t since_ = 0;
};

// "waiting", "starting", "running", "stopping" or "stuck".
std::string state_name(const Lifecycle& lifecycle, bool worker_known);

}  // namespace oneloop
