// The lifecycle, walked through all its reachable states, and the faults that the walk must catch.
#include "supervisor/lifecycle.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/lifecycle_model.h"

namespace oneloop {
namespace {

using model::Machine;

LifecycleOptions options(bool watching = true) {
    LifecycleOptions result;
    result.policy.watching = watching;
    result.policy.jitter = false;  // the model compares states, so equal causes need equal delays
    return result;
}

std::string join(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines)
        text += "\n  " + line;
    return text;
}

class EveryOption : public testing::TestWithParam<
                        std::tuple<bool, PolicyOptions::OnExit, PolicyOptions::OnCrash>> {};

TEST_P(EveryOption, EveryReachableStateKeepsThePromises) {
    auto chosen = options(std::get<0>(GetParam()));
    chosen.policy.on_exit = std::get<1>(GetParam());
    chosen.policy.on_crash = std::get<2>(GetParam());
    const auto verdict = model::explore(model::real_machine(), chosen);
    EXPECT_EQ(verdict.violation, "") << join(verdict.history);
    // A walk that ends early would prove nothing.
    EXPECT_GT(verdict.states, 500U);
    EXPECT_GT(verdict.transitions, 5 * verdict.states);
    RecordProperty("states", static_cast<int>(verdict.states));
    RecordProperty("transitions", static_cast<int>(verdict.transitions));
}

INSTANTIATE_TEST_SUITE_P(
    Lifecycle, EveryOption,
    testing::Combine(testing::Bool(),
                     testing::Values(PolicyOptions::OnExit::wait, PolicyOptions::OnExit::restart,
                                     PolicyOptions::OnExit::finish),
                     testing::Values(PolicyOptions::OnCrash::restart, PolicyOptions::OnCrash::wait,
                                     PolicyOptions::OnCrash::finish)));

// ---- seeded faults ----
template <class T>
bool is(const Event& event) {
    return std::holds_alternative<T>(event);
}
template <class T>
bool in(const Lifecycle& machine) {
    return std::holds_alternative<T>(machine.state);
}
template <class T>
void drop(Step& step) {
    std::erase_if(step.commands, [](const Command& c) { return std::holds_alternative<T>(c); });
}

using Edit =
    std::function<void(Step& result, const Lifecycle& from, const Event& event, SteadyTime now)>;

struct Fault {
    const char* name;
    Edit edit;
};

Machine with(const Fault& fault) {
    Machine machine = model::real_machine();
    machine.step = [edit = fault.edit](const Lifecycle& from, const Event& event, SteadyTime now,
                                       const LifecycleOptions& chosen) {
        Step result = step(from, event, now, chosen);
        edit(result, from, event, now);
        return result;
    };
    return machine;
}

const std::vector<Fault>& faults() {
    static const std::vector<Fault> list = {
        {"spawns before the old tree is gone",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             if (in<Running>(from) && is<Changed>(e)) r.commands.emplace_back(Spawn{});
         }},
        {"takes the leader's end for the tree's",
         [](Step& r, const Lifecycle&, const Event& e, SteadyTime now) {
             if (is<LeaderEnded>(e) && in<Stopping>(r.next)) r.next.state = Waiting{now};
         }},
        {"ignores a change while running",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             if (in<Running>(from) && is<Changed>(e)) r = {from, {}};
         }},
        {"ignores a change while stopping a crashed tree",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             if (in<Stopping>(from) && is<Changed>(e)) r.next.outdated = false;
         }},
        {"ignores a change while waiting",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             if (in<Waiting>(from) && is<Changed>(e)) r = {from, {}};
         }},
        {"a change moves the stop deadline back",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime now) {
             auto* stopping = std::get_if<Stopping>(&r.next.state);
             if (in<Stopping>(from) && is<Changed>(e) && stopping) {
                 stopping->deadline = now + std::chrono::seconds(20);
             }
         }},
        {"never kills",
         [](Step& r, const Lifecycle&, const Event&, SteadyTime) { drop<KillTree>(r); }},
        {"never kills the warden",
         [](Step& r, const Lifecycle&, const Event&, SteadyTime) {
             for (auto& c : r.commands) {
                 if (auto* kill = std::get_if<KillTree>(&c)) kill->warden_too = false;
             }
         }},
        {"never tells it to stop",
         [](Step& r, const Lifecycle&, const Event&, SteadyTime) {
             drop<SignalTree>(r);
             drop<KillTree>(r);
         }},
        {"spawns while changes still come",
         [](Step& r, const Lifecycle&, const Event& e, SteadyTime now) {
             if (is<TreeGone>(e) && in<Waiting>(r.next) && r.next.gathering) {
                 r.commands.emplace_back(Spawn{});
                 r.next.state = Running{now};
                 r.next.outdated = false;
             }
         }},
        {"the end of a burst is not noticed",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             if (is<Settled>(e)) r = {from, {}};
         }},
        {"forgets a stop request while stopping",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             if (in<Stopping>(from) && is<StopRequested>(e)) r.next.finishing = from.finishing;
         }},
        {"forgets a stop request while waiting",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             if (in<Waiting>(from) && is<StopRequested>(e)) r = {from, {}};
         }},
        {"starts again after a stop request",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime now) {
             if (in<Stopping>(from) && is<TreeGone>(e) && from.finishing) {
                 r.next.state = Running{now};
                 r.commands = {Spawn{}};
             }
         }},
        {"ends while the tree lives",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             if (in<Running>(from) && is<StopRequested>(e)) {
                 r.next.state = Finished{};
                 r.commands = {Finish{}};
             }
         }},
        {"loses a restart request while stopping",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             if (in<Stopping>(from) && is<RestartRequested>(e)) r = {from, {}};
         }},
        {"loses a restart request while waiting",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             if (in<Waiting>(from) && is<RestartRequested>(e)) r = {from, {}};
         }},
        {"loses the time of the next try after a crash",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             auto* waiting = std::get_if<Waiting>(&r.next.state);
             if (in<Stopping>(from) && is<TreeGone>(e) && waiting) waiting->due.reset();
         }},
        {"starts two at once",
         [](Step& r, const Lifecycle&, const Event&, SteadyTime) {
             if (std::any_of(r.commands.begin(), r.commands.end(),
                             [](const Command& c) { return std::holds_alternative<Spawn>(c); })) {
                 r.commands.emplace_back(Spawn{});
             }
         }},
        {"starts what is still being built",
         [](Step& r, const Lifecycle&, const Event& e, SteadyTime) {
             if (is<Preparing>(e)) r.next.gathering = false;
         }},
        {"exits with the worker's 3",
         [](Step& r, const Lifecycle&, const Event&, SteadyTime) {
             for (auto& c : r.commands) {
                 if (auto* finish = std::get_if<Finish>(&c)) finish->code = reload_exit_code;
             }
         }},
        {"signals when nothing lives",
         [](Step& r, const Lifecycle&, const Event& e, SteadyTime) {
             if (is<TreeGone>(e) && in<Waiting>(r.next)) r.commands.emplace_back(SignalTree{});
         }},
        {"lets a worker run on that was declared failed",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             if (in<Running>(from) && is<Failed>(e)) r = {from, {}};
         }},
        {"takes a worker that was declared failed for one that we stopped",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             auto* stopping = std::get_if<Stopping>(&r.next.state);
             if (in<Running>(from) && is<Failed>(e) && stopping) {
                 stopping->by_us = true;
                 stopping->end.reset();
             }
         }},
        {"takes the exit code of a worker that was declared failed for its end",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             auto* stopping = std::get_if<Stopping>(&r.next.state);
             const auto* was = std::get_if<Stopping>(&from.state);
             if (!was || !stopping || !is<LeaderEnded>(e)) return;
             if (was->end && std::holds_alternative<Unresponsive>(*was->end)) {
                 stopping->end = Exited{{0, 0}};
             }
         }},
        {"a crash while out of date is judged instead of restarted",
         [](Step& r, const Lifecycle& from, const Event& e, SteadyTime) {
             if (in<Stopping>(from) && is<TreeGone>(e) && from.outdated && !from.finishing) {
                 r.next = from;
                 r.next.state = Waiting{};
                 r.commands.clear();
             }
         }},
    };
    return list;
}

TEST(LifecycleFaults, TheWalkCatchesEachOne) {
    for (const auto& fault : faults()) {
        const auto verdict = model::explore(with(fault), options());
        EXPECT_NE(verdict.violation, "") << "not caught: " << fault.name;
    }
}

TEST(LifecycleFaults, AMachineWithoutATimerIsCaught) {
    Machine machine = model::real_machine();
    machine.deadline = [](const Lifecycle&) { return std::optional<SteadyTime>(); };
    EXPECT_NE(model::explore(machine, options()).violation, "");
}

// ---- a few paths in words ----
constexpr SteadyTime t0{std::chrono::hours(1)};

TEST(Lifecycle, StartsAtOnce) {
    const Step first = step(Lifecycle{}, TimePassed{}, t0, options());
    EXPECT_EQ(first.commands, (std::vector<Command>{Spawn{}}));
    EXPECT_EQ(first.next.state, State(Running{t0}));
}

TEST(Lifecycle, TellsTheOldWorkerToStopAtTheFirstChangeAndStartsWhenBothAreDone) {
    Step s = step(Lifecycle{}, TimePassed{}, t0, options());
    s = step(s.next, Changed{}, t0, options());
    EXPECT_EQ(s.commands, (std::vector<Command>{SignalTree{}}));
    s = step(s.next, TreeGone{}, t0, options());
    EXPECT_TRUE(s.commands.empty());  // the burst is not over
    s = step(s.next, Settled{}, t0, options());
    EXPECT_EQ(s.commands, (std::vector<Command>{Spawn{}}));
}

TEST(Lifecycle, IsRestartingWhenTheStopIsForAnotherStart) {
    Step s = step(Lifecycle{}, TimePassed{}, t0, options());
    EXPECT_FALSE(s.next.restarting());
    const Lifecycle running = s.next;
    EXPECT_TRUE(step(running, RestartRequested{}, t0, options()).next.restarting());
    EXPECT_FALSE(step(running, StopRequested{15}, t0, options()).next.restarting());
    EXPECT_FALSE(step(running, Failed{}, t0, options()).next.restarting()) << "it may have to wait";
    s = step(running, Changed{}, t0, options());
    EXPECT_TRUE(s.next.restarting());
    EXPECT_FALSE(step(s.next, StopRequested{15}, t0, options()).next.restarting());
}

TEST(Lifecycle, AskedTwiceByAPersonItKillsAtOnce) {
    Step s = step(Lifecycle{}, TimePassed{}, t0, options());
    s = step(s.next, StopRequested{2, true}, t0, options());
    EXPECT_EQ(s.commands, (std::vector<Command>{SignalTree{}}));
    s = step(s.next, StopRequested{2, true}, t0, options());
    EXPECT_EQ(s.commands.front(), Command(KillTree{false}));
    s = step(s.next, TreeGone{}, t0, options());
    EXPECT_EQ(s.commands, (std::vector<Command>{Finish{0, 2}}));
}

TEST(Lifecycle, AskedTwiceByAServiceManagerItWaitsForTheWorker) {
    Step s = step(Lifecycle{}, TimePassed{}, t0, options());
    s = step(s.next, StopRequested{15, false}, t0, options());
    s = step(s.next, StopRequested{15, false}, t0, options());
    EXPECT_TRUE(s.commands.empty());
}

}  // namespace
}  // namespace oneloop
