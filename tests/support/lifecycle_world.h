// What surrounds the lifecycle in its model test: the child, the changes and the requests it does
// not see directly, and when two such worlds are the same.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <string>

#include "supervisor/lifecycle.h"

namespace oneloop::model {

// When the world's child ends: how much it takes.
enum class Temper { obeys, deaf, very_deaf };

struct World {
    Lifecycle machine;
    bool child = false;           // a tree lives
    bool leader = false;          // its leader lives
    bool unseen = false;          // a change that no spawn has seen
    bool burst = false;           // the gate has not settled
    bool stop = false;            // asked to end
    bool restart = false;         // asked to restart, not yet done
    bool may_wait = false;        // the last verdict was to wait for a change
    bool may_end = false;         // the last verdict was to end
    bool failed = false;          // declared failed though it lives, and not yet judged
    bool ended = false;           // it said Finish
    std::optional<Command> last;  // the strongest order the living child got
};

struct Move {
    std::string name;
    Duration advance{};  // the clock moves first
    Event event;
    std::function<void(World&)> world;
};

inline long long relative(SteadyTime time, SteadyTime now) {
    if (time == SteadyTime::min()) return -1;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time - now).count();
    return ms < -5000 ? -5000 : ms;  // older than everything the policy looks at
}

inline std::string describe_end(const std::optional<WorkerEnd>& end) {
    if (!end) return "-";
    if (const auto* exited = std::get_if<Exited>(&*end)) {
        return fmt::format("x{}/{}", exited->status.code, exited->status.signal);
    }
    if (const auto* unresponsive = std::get_if<Unresponsive>(&*end)) {
        return unresponsive->hangs ? "hangs" : "not ready";
    }
    return fmt::format("n{}", static_cast<int>(std::get<NotStarted>(*end).stage));
}

// Two worlds with the same key have the same future.
inline std::string key_of(const World& world, SteadyTime now) {
    const auto& m = world.machine;
    std::string state;
    if (const auto* waiting = std::get_if<Waiting>(&m.state)) {
        state = fmt::format("W{}", waiting->due ? relative(*waiting->due, now) : 999'999);
    } else if (const auto* running = std::get_if<Running>(&m.state)) {
        state = fmt::format("R{}", relative(running->since, now));
    } else if (const auto* s = std::get_if<Stopping>(&m.state)) {
        state =
            fmt::format("S{},{},{},{},{},{}", static_cast<int>(s->step), relative(s->since, now),
                        relative(s->deadline, now), s->by_us, describe_end(s->end),
                        s->lived.count() / 1'000'000 > 5000 ? 5000 : s->lived.count() / 1'000'000);
    } else {
        state = "F";
    }
    return fmt::format("{}|{}{}{}{}|{},{},{}|{}{}{}{}{}{}{}{}{}|{}", state, m.gathering, m.outdated,
                       m.finishing.has_value(), m.finishing ? m.finishing->insistent : false,
                       m.history.ever_started, m.history.quick_failures,
                       m.history.delay.count() / 1'000'000, world.child, world.leader, world.unseen,
                       world.burst, world.stop, world.restart, world.may_wait, world.ended,
                       world.failed, world.last ? static_cast<int>(world.last->index()) : -1);
}

}  // namespace oneloop::model
