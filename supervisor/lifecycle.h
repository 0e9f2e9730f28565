// lifecycle: the one state machine that decides when a worker is started, told to stop and killed.
//
// Pure: (state, event, now) in, commands out. It calls nothing, reads no clock and could be
// replayed from a log. Not for how a tree is signalled (child, warden).
//
// The states, and what may happen in each:
//
//   Waiting   No child lives. The only state that can say Spawn, and only when the gate is settled.
//             `due` is the time of the next try; without one, only a change, a request or a stop
//             leads on.
//   Running   A child lives and was not told to stop. `outdated` is never true here: a change moves
//             on to Stopping in the same step.
//   Stopping  A child lives and is being ended: it was told to, or its leader ended by itself and
//             left descendants behind, or it was declared failed (not ready, no sign of life) and
//             is told to stop for that. Steps, each with its deadline: asked (TERM and CONT) →
//             killing (KILL to the tree) → forced (KILL to the warden too) → forced again, for
//             ever: a process stuck in the kernel is reported, never doubled. Nothing but TreeGone
//             leaves this state, and no later event can move its deadline back.
//   Finished  No child lives and none will: the supervisor ends.
//
// A child is one warden and everything below it. TreeGone is said by the kernel (the warden's
// pidfd, and no stray child of the supervisor left), not inferred.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "supervisor/policy.h"

namespace oneloop {

// ---- states ----
struct Waiting {
    std::optional<SteadyTime> due;
    friend bool operator==(const Waiting&, const Waiting&) = default;
};
struct Running {
    SteadyTime since;
    friend bool operator==(const Running&, const Running&) = default;
};
struct Stopping {
    enum class Step { asked, killing, forced };
    Step step = Step::asked;
    SteadyTime since;              // when the worker started
    SteadyTime deadline;           // of this step
    bool by_us = true;             // false: the leader ended by itself, or was declared failed
    std::optional<WorkerEnd> end;  // of the leader, once known; as declared, when it was
    Duration lived{};              // valid with `end`
    friend bool operator==(const Stopping&, const Stopping&) = default;
};
struct Finished {
    friend bool operator==(const Finished&, const Finished&) = default;
};
using State = std::variant<Waiting, Running, Stopping, Finished>;

// ---- events ----
struct Changed {};    // a file changed; what runs is out of date
struct Settled {};    // the burst of changes is over, or the build
struct Preparing {};  // what a start would run is being built; Settled comes with its end
struct LeaderEnded {  // the command itself ended; descendants may live
    WorkerEnd end;
};
struct Failed {  // declared failed though it lives; only a running one is
    WorkerEnd end;
};
struct TreeGone {};  // nothing of the child is left
struct RestartRequested {};
struct StopRequested {  // asked to end
    int signal = 0;     // to die by afterwards, or 0 to exit with 0
    // A person at a terminal: said again, it means "at once". Not for TERM, which timeout(1) and
    // service managers send to process and group, that is twice.
    bool insistent = false;
};
struct TimePassed {};
using Event = std::variant<Changed, Settled, Preparing, LeaderEnded, Failed, TreeGone,
                           RestartRequested, StopRequested, TimePassed>;

// ---- commands ----
struct Spawn {
    friend bool operator==(const Spawn&, const Spawn&) = default;
};
struct SignalTree {  // the signal and CONT to the leader, or to what it left behind
    enum class Signal { stop, abort };
    Signal signal = Signal::stop;  // abort: ABRT, for a core
    friend bool operator==(const SignalTree&, const SignalTree&) = default;
};
struct KillTree {
    bool warden_too = false;
    friend bool operator==(const KillTree&, const KillTree&) = default;
};
struct Finish {
    int code = 0;
    int signal = 0;  // die by it, or 0
    friend bool operator==(const Finish&, const Finish&) = default;
};
struct ReportEnd {  // the worker ended, and what follows
    WorkerEnd end;
    Duration lived{};
    Verdict verdict;
    bool failure = false;
    int quick_failures = 0;
    friend bool operator==(const ReportEnd&, const ReportEnd&) = default;
};
struct ReportStopTimeout {  // the worker did not stop in time
    Stopping::Step step = Stopping::Step::killing;
    friend bool operator==(const ReportStopTimeout&, const ReportStopTimeout&) = default;
};
using Command = std::variant<Spawn, SignalTree, KillTree, Finish, ReportEnd, ReportStopTimeout>;

struct LifecycleOptions {
    Duration stop_timeout = std::chrono::seconds(10);
    Duration kill_timeout = std::chrono::seconds(2);  // between two looks after a KILL
    PolicyOptions policy;
};

// All that the machine remembers. A value: a test may copy, compare and hash it.
struct Lifecycle {
    State state = Waiting{SteadyTime::min()};  // due at once
    bool gathering = false;                    // a burst of changes, or a build, is not over
    bool outdated = false;                     // something changed that no spawn has seen
    std::optional<StopRequested> finishing;    // asked to end
    History history;

    [[nodiscard]] std::optional<SteadyTime> deadline() const;
    // Told to stop so that another can start: not for a crash, after which it may have to wait.
    [[nodiscard]] bool restarting() const;
};

struct Step {
    Lifecycle next;
    std::vector<Command> commands;
};

Step step(const Lifecycle& current, const Event& event, SteadyTime now,
          const LifecycleOptions& options);

}  // namespace oneloop
