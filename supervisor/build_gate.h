// build_gate: when a build starts, when one that is out of date is ended, and what its end means.
//
// Pure: (state, event, now) in, orders and a verdict out. "The build" is all that has to succeed
// before a worker is switched: --build, then --check. Not for what runs meanwhile (lifecycle) and
// not for which changes the build makes itself (build_writes).
//
//   idle     Nothing runs. A build starts when one is wanted and the burst of changes is over.
//   running  The verdict comes with its end, if nothing has changed since it began.
//   ending   It is out of date, or we end. Asked (TERM to its group), then KILL to its tree, then
//            to its warden too, again and again: only `BuildGone` leads on, so that two builds
//            never run at once.
//
// Somebody who saves all the time must not keep every build from its end: after `most_ended` in a
// row one is let through and followed by another.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "common/clock.h"

namespace oneloop {

struct BuildNeeded {};     // something changed; a burst has begun or goes on
struct BuildSettled {};    // the burst is over
struct BuildRequested {};  // by a person, or because there is nothing to run yet
struct BuildGone {         // nothing of it is left
    bool success = false;
    bool misconfigured = false;  // it ended with 78 (EX_CONFIG of sysexits.h)
};
struct BuildsOver {};  // the supervisor ends; said again: at once
struct BuildTime {};
using BuildEvent =
    std::variant<BuildNeeded, BuildSettled, BuildRequested, BuildGone, BuildsOver, BuildTime>;

enum class BuildOrder { start, ask, kill, force };
enum class BuildVerdict { none, succeeded, failed };

struct BuildOptions {
    bool enabled = false;
    int most_ended = 3;
    Duration end_timeout = std::chrono::seconds(2);
};

// All that the gate remembers. A value, as Lifecycle is.
struct BuildGate {
    enum class State { idle, running, ending };
    State state = State::idle;
    bool wanted = false;     // something that no build has begun with
    bool gathering = false;  // the burst is not over
    bool over = false;       // no more builds
    int ended = 0;           // in a row, for a change
    BuildOrder last = BuildOrder::start;
    SteadyTime due{};  // of the next step while ending

    [[nodiscard]] std::optional<SteadyTime> deadline() const;
};

struct BuildStep {
    BuildGate next;
    std::vector<BuildOrder> orders;
    BuildVerdict verdict = BuildVerdict::none;
};

BuildStep step(const BuildGate& current, const BuildEvent& event, SteadyTime now,
               const BuildOptions& options);

}  // namespace oneloop
