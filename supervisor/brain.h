// brain: the change gate and the lifecycle joined; what the loop asks after every event.
//
// Pure. The loop tells it what happened and when, does what it says, and re-arms its one timer from
// deadline().
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "supervisor/change_gate.h"
#include "supervisor/lifecycle.h"

namespace oneloop {

struct FileChanged {
    std::string path;  // as people know it: relative to where the supervisor was started
    ChangeKind kind = ChangeKind::written;
};
struct EventsLost {};  // the kernel's queue overflowed: anything may have changed

using Input = std::variant<FileChanged, EventsLost, LeaderEnded, TreeGone, RestartRequested,
                           StopRequested, TimePassed>;

// The burst that has just settled.
struct ChangeSummary {
    std::string first_path;
    std::size_t count = 0;  // of changed paths, each counted once
    bool events_lost = false;
    friend bool operator==(const ChangeSummary&, const ChangeSummary&) = default;
};

struct Advice {
    std::vector<Command> commands;         // in the order in which they are to be done
    std::optional<ChangeSummary> changes;  // say this first
};

class Brain {
  public:
    Brain(const LifecycleOptions& options, const ChangeGate::Options& gate)
        : options_(options), gate_(gate) {}

    Advice step(const Input& input, SteadyTime now);

    // When to call step(TimePassed) at the latest; none while nothing is due.
    [[nodiscard]] std::optional<SteadyTime> deadline() const;

    [[nodiscard]] const Lifecycle& lifecycle() const { return lifecycle_; }

  private:
    void feed(const Event& event, SteadyTime now, Advice& advice);
    void note(const FileChanged& changed);
    [[nodiscard]] ChangeSummary summarize() const;

    LifecycleOptions options_;
    ChangeGate gate_;
    Lifecycle lifecycle_;
    struct Burst {
        struct Path {
            std::string name;
            bool new_here;  // its first event was a write
            bool removed;   // its last event was a removal
        };
        std::vector<Path> paths;  // each once, in order, up to a limit
        std::unordered_map<std::string, std::size_t> index;
        std::size_t more = 0;  // events beyond the limit
        bool events_lost = false;
    };
    Burst burst_;
};

}  // namespace oneloop
