// The lifecycle in a small world, walked exhaustively: every order of changes, ends, requests and
// deadlines that can happen, until no new state appears.
//
// The machine under test is a value with two functions, so that a seeded fault is one lambda.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/lifecycle.h"

namespace oneloop::model {

struct Machine {
    std::function<Step(const Lifecycle&, const Event&, SteadyTime, const LifecycleOptions&)> step;
    std::function<std::optional<SteadyTime>(const Lifecycle&)> deadline;
};

Machine real_machine();

struct Verdict {
    std::size_t states = 0;
    std::size_t transitions = 0;
    std::string violation;             // empty: every property holds in every reachable state
    std::vector<std::string> history;  // the events that lead to the violation
};

// The properties:
//   a Spawn only while no child lives, only when the burst has settled, never after a stop request;
//   signals only to a living child; the end only without one, never with exit code 3;
//   a deadline of a stop never moves back within its step;
//   a worker that is declared failed does not run on, and counts as a crash unless something else
//   asked for the next start;
//   from every reachable state, with no more input: an unseen change leads to a fresh spawn, a stop
//   request leads to the end, and nothing waits without a deadline unless it was told to wait for a
//   change; for a child that obeys, one that only a KILL ends, and one that needs its warden
//   killed.
Verdict explore(const Machine& machine, const LifecycleOptions& options);

}  // namespace oneloop::model
