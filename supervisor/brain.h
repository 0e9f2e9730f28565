// brain: the change gate, the doubts, own writes, the build gate and the lifecycle joined; what the
// loop asks after every event.
//
// Without a build a change is the lifecycle's at once. With one it is the build gate's, the worker
// that runs goes on, and the lifecycle learns of the change when the build has succeeded.
//
// Pure. The loop tells it what happened and when, does what it says, and re-arms its one timer from
// deadline().
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "supervisor/build_gate.h"
#include "supervisor/build_writes.h"
#include "supervisor/change_gate.h"
#include "supervisor/doubts.h"
#include "supervisor/lifecycle.h"
#include "supervisor/own_writes.h"
#include "supervisor/same_saves.h"

namespace oneloop {

struct FileChanged {
    std::string path;  // as people know it: relative to where the supervisor was started
    ChangeKind kind = ChangeKind::written;
    bool could_be_own = true;  // false: known not to be the worker's doing
    bool fresh = false;        // nothing was there before
};
struct FileUnchanged {  // it was saved, or is there again, and holds the same bytes
    std::string path;
};
struct EventsLost {};  // the kernel's queue overflowed: anything may have changed

// Until the resume nothing is restarted for a change; changes are noted. A restart that has begun
// is completed, one that is asked for is done, and a worker that ends by itself is answered as
// always.
struct PauseRequested {};
struct ResumeRequested {};

using Input =
    std::variant<FileChanged, FileUnchanged, EventsLost, BuildGone, LeaderEnded, Failed, TreeGone,
                 RestartRequested, PauseRequested, ResumeRequested, StopRequested, TimePassed>;

// The burst that has just settled.
struct ChangeSummary {
    std::string first_path;
    std::size_t count = 0;  // of changed paths, each counted once
    bool events_lost = false;
    std::vector<std::string> others = {};  // beside the first, at most 20
    friend bool operator==(const ChangeSummary&, const ChangeSummary&) = default;
};

struct Advice {
    std::vector<Command> commands;         // in the order in which they are to be done
    std::optional<ChangeSummary> changes;  // say this first
    // Saves that changed nothing: a line, and no more.
    std::optional<SameSaves::Summary> unchanged;
    // That these are gone has counted: whatever is there next is a change.
    std::vector<std::string> counted_removals;
    // The change was held back; nothing follows from it. Said when it is the first.
    std::optional<OwnWrites::Held> held_own_write;
    std::optional<BuildWrites::Held> held_build_write;
    std::vector<BuildOrder> build;  // before the commands
    BuildVerdict build_verdict = BuildVerdict::none;
    // From now on: look at who writes these, and say so with their changes.
    std::optional<std::vector<std::string>> suspects;
};

class Brain {
  public:
    Brain(const LifecycleOptions& options, const ChangeGate::Options& gate,
          const OwnWrites::Options& own_writes = {}, const BuildOptions& build = {});

    Advice step(const Input& input, SteadyTime now);

    // When to call step(TimePassed) at the latest; none while nothing is due.
    [[nodiscard]] std::optional<SteadyTime> deadline() const;

    [[nodiscard]] const Lifecycle& lifecycle() const { return lifecycle_; }
    [[nodiscard]] const BuildGate& build() const { return build_; }
    [[nodiscard]] bool paused() const { return paused_; }
    // Paths that changed during the pause and that no start, or no build, has seen.
    [[nodiscard]] std::size_t held_changes() const { return summarize(held_).count; }
    [[nodiscard]] const OwnWrites& own_writes() const { return own_writes_; }

  private:
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
    void take(const FileChanged& changed, SteadyTime now, Advice& advice);
    [[nodiscard]] bool put_in_doubt(const FileChanged& changed, SteadyTime now, Advice& advice);
    void count(const FileChanged& changed, SteadyTime now, Advice& advice);
    void count_all(const std::vector<Doubts::Doubt>& doubts, SteadyTime now, Advice& advice);
    void count_due(SteadyTime now, Advice& advice);
    [[nodiscard]] bool undisturbed() const;
    void feed(const Event& event, SteadyTime now, Advice& advice);
    void feed_build(const BuildEvent& event, SteadyTime now, Advice& advice);
    void changed_at(SteadyTime now, Advice& advice);
    void settled(SteadyTime now, Advice& advice);
    void stop(const StopRequested& stop, SteadyTime now, Advice& advice);
    void build_failed(bool misconfigured, SteadyTime now, Advice& advice);
    bool held_for_build(const std::string& path, Advice& advice);
    void lost(SteadyTime now, Advice& advice);
    void restart(SteadyTime now, Advice& advice);
    void resume(SteadyTime now, Advice& advice);
    static void note(const FileChanged& changed, Burst& burst);
    [[nodiscard]] static ChangeSummary summarize(const Burst& burst);

    LifecycleOptions options_;
    BuildOptions build_options_;
    ChangeGate gate_;
    Doubts doubts_;
    SameSaves same_;
    BuildGate build_;
    BuildWrites build_writes_;
    bool built_ = false;  // once at least
    OwnWrites own_writes_;
    Lifecycle lifecycle_;
    Burst burst_;
    Burst held_;  // since the pause
    bool paused_ = false;
};

}  // namespace oneloop
