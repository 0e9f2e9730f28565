// readiness: is this generation's worker ready, and does it still give signs of life?
//
// Pure: events and their moments in; whether it is ready, when to look at it, and the verdict that
// it has failed, out. It stands beside the lifecycle: a worker that is not ready runs all the same.
// Not for how a worker is asked (notify_socket, readiness_probe) or looked at (worker_state).
#pragma once

#include <optional>
#include <string>

#include "common/result.h"
#include "supervisor/notify_message.h"
#include "supervisor/policy.h"
#include "supervisor/watchdog.h"

namespace oneloop {

// What makes a worker ready.
struct ReadySpec {
    enum class By {
        started,  // its command was executed
        notify,   // it says READY=1
        socket,   // it accepts a connection on the first handed-over socket
        http,     // it answers a GET of `path` there with a status of 200 to 399
    };
    By by = By::started;
    std::string path;
    friend bool operator==(const ReadySpec&, const ReadySpec&) = default;
};

// "none", "notify", "socket", "http:/PATH". The error is a sentence for people.
Result<ReadySpec> parse_ready(const std::string& text);

struct ReadinessOptions {
    ReadySpec::By by = ReadySpec::By::started;
    Duration timeout{};   // to get ready; 0: no limit
    Duration watchdog{};  // between two signs of life once it is ready; 0: none are asked for
};

class Readiness {
  public:
    // A worker that asks for less is given this: the looks are to cost nothing.
    static constexpr Duration shortest_period = std::chrono::milliseconds(100);

    explicit Readiness(const ReadinessOptions& options) : options_(options) {}

    // A generation begins. What it says may come before the news that it was started.
    void spawned();
    void started(SteadyTime now);
    // A verdict when the worker gives itself up (WATCHDOG=trigger).
    std::optional<Unresponsive> said(const NotifyMessage& message, SteadyTime now);
    // The probe of its socket succeeded.
    void answered(SteadyTime now);
    // It is told to stop, or is gone: nothing is expected of it from here on.
    void over();

    // When to look at the worker; none: no need to.
    [[nodiscard]] std::optional<SteadyTime> deadline() const;
    // What the look has found; a verdict when it is late.
    std::optional<Unresponsive> looked(const Hold& found, SteadyTime now);

    [[nodiscard]] bool ready() const { return alive_ && ready_at_; }
    // From its start to its being ready, or until `now`; none without a
    // worker.
    [[nodiscard]] std::optional<Duration> took(SteadyTime now) const;
    [[nodiscard]] bool expects_signs() const { return clock_.has_value() && ready(); }
    [[nodiscard]] const std::optional<Watchdog>& clock() const { return clock_; }
    [[nodiscard]] const std::string& status() const { return status_; }  // the worker's own words

  private:
    void become_ready(SteadyTime now);

    ReadinessOptions options_;
    bool alive_ = false;       // between spawned() and over()
    bool said_ready_ = false;  // before the news of its start
    Duration period_{};        // between signs; the worker may change it
    std::optional<SteadyTime> started_at_;
    std::optional<SteadyTime> ready_at_;
    std::optional<Watchdog> clock_;  // first for getting ready, then for the signs
    std::string status_;
};

}  // namespace oneloop
