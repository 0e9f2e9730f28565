// The build gate, walked through all its reachable states, and the faults that the walk must catch.
#include "supervisor/build_gate.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace oneloop {
namespace {

using State = BuildGate::State;
using StepFunction =
    std::function<BuildStep(const BuildGate&, const BuildEvent&, SteadyTime, const BuildOptions&)>;

constexpr SteadyTime t0{std::chrono::hours(1)};

BuildStep real(const BuildGate& gate, const BuildEvent& event, SteadyTime now,
               const BuildOptions& options) {
    return step(gate, event, now, options);
}

// What surrounds the gate: the build that it can't see, and what it owes to whom.
struct World {
    BuildGate gate;
    bool alive = false;   // a build's tree lives
    bool told = false;    // and was told to end
    bool killed = false;  // with KILL
    bool burst = false;   // changes have not settled
    bool unseen = false;  // a change or a request that no build has begun with
    bool over = false;
};

class Walk {
  public:
    explicit Walk(StepFunction machine) : machine_(std::move(machine)) {}

    // What was violated first; empty: nothing is, in any reachable state.
    std::string run() {
        add(World{});
        while (!queue_.empty() && violation_.empty()) {
            const World from = queue_.front();
            queue_.pop_front();
            for (const auto& event : possible(from)) {
                World to = from;
                apply(to, event);
                add(to);
            }
            settle_down(from, false);
            settle_down(from, true);
            saves_for_ever(from);
        }
        return violation_;
    }
    [[nodiscard]] std::size_t states() const { return seen_.size(); }

  private:
    static std::string key(const World& w) {
        std::string text;
        for (const int part :
             {static_cast<int>(w.gate.state), int{w.gate.wanted}, int{w.gate.gathering},
              int{w.gate.over}, w.gate.ended, static_cast<int>(w.gate.last), int{w.alive},
              int{w.told}, int{w.killed}, int{w.burst}, int{w.unseen}, int{w.over}}) {
            text += std::to_string(part) + ' ';
        }
        return text;
    }
    void add(const World& world) {
        if (seen_.emplace(key(world), true).second) queue_.push_back(world);
    }
    void violate(const std::string& what) {
        if (violation_.empty()) violation_ = what;
    }

    static std::vector<BuildEvent> possible(const World& w) {
        std::vector<BuildEvent> all = {BuildNeeded{}, BuildRequested{}, BuildsOver{}, BuildTime{}};
        if (w.burst) all.emplace_back(BuildSettled{});
        if (w.alive) {
            all.emplace_back(BuildGone{true});
            all.emplace_back(BuildGone{false});
        }
        return all;
    }

    BuildVerdict apply(World& w, const BuildEvent& event) {
        const bool gone = std::holds_alternative<BuildGone>(event);
        const bool finished = gone && !w.told;
        if (std::holds_alternative<BuildNeeded>(event)) w.burst = w.unseen = true;
        // One that runs answers a request, unless it is being ended.
        if (std::holds_alternative<BuildRequested>(event)) w.unseen |= !w.alive || w.told;
        if (std::holds_alternative<BuildSettled>(event)) w.burst = false;
        if (std::holds_alternative<BuildsOver>(event)) w.over = true;
        if (gone) w.alive = w.told = w.killed = false;
        // The clock stands at each deadline, so that time always means "it is due".
        if (w.gate.state == State::ending) w.gate.due = t0;
        BuildStep result = machine_(w.gate, event, t0, BuildOptions{true});
        w.gate = result.next;
        if (result.verdict != BuildVerdict::none) {
            if (!finished) violate("a verdict without the end of a build");
            if (w.unseen) violate("a verdict on what has changed since");
            if (w.over) violate("a verdict after the end");
            const bool success =
                std::holds_alternative<BuildGone>(event) && std::get<BuildGone>(event).success;
            if (success != (result.verdict == BuildVerdict::succeeded)) violate("a false verdict");
        } else if (finished && !w.unseen && !w.over) {
            violate("no verdict on a build that nothing has outdated");
        }
        for (const auto order : result.orders)
            obey(w, order);
        if (w.over && w.alive && !w.told) violate("a build that runs on after the end");
        return result.verdict;
    }

    void obey(World& w, BuildOrder order) {
        if (order == BuildOrder::start) {
            if (w.alive) violate("two builds at once");
            if (w.burst) violate("a build before the burst has settled");
            if (w.over) violate("a build after the end");
            if (!w.unseen) violate("a build for nothing");
            w.alive = true;
            w.unseen = false;
            return;
        }
        if (!w.alive) violate("a signal, but no build lives");
        w.told = true;
        w.killed = w.killed || order != BuildOrder::ask;
    }

    // Nothing more happens but what has to: what is unseen gets its build and its verdict, and at
    // the end no build is left. `deaf`: a build that only KILL ends.
    void settle_down(World w, bool deaf) {
        const bool owes = w.unseen;
        bool verdict = false;
        for (int i = 0; i < 12; ++i) {
            if (w.burst) {
                verdict |= apply(w, BuildSettled{}) != BuildVerdict::none;
            } else if (w.alive && (!w.told || !deaf || w.killed)) {
                verdict |= apply(w, BuildGone{true}) != BuildVerdict::none;
            } else if (w.gate.deadline()) {
                apply(w, BuildTime{});
            }
        }
        if (w.alive) violate("a build that is never ended");
        if (owes && !w.over && !verdict) violate("a change that is never built");
    }

    // Somebody saves during every build: one of them comes to its end all the same.
    void saves_for_ever(World w) {
        if (w.over) return;
        bool finished = false;
        for (int i = 0; i < 40 && !finished; ++i) {
            apply(w, BuildNeeded{});
            apply(w, BuildSettled{});
            if (!w.alive) continue;
            finished = !w.told;
            apply(w, BuildGone{true});
        }
        if (!finished) violate("who saves all the time never gets a build");
    }

    StepFunction machine_;
    std::map<std::string, bool> seen_;
    std::deque<World> queue_;
    std::string violation_;
};

TEST(BuildGateWalk, every_reachable_state_keeps_the_promises) {
    Walk walk(real);
    EXPECT_EQ(walk.run(), "");
    EXPECT_GT(walk.states(), 40U);  // a walk that ends early would prove nothing
}

struct Fault {
    std::string name;
    std::function<void(BuildStep& result, const BuildGate& from, const BuildEvent& event)> harm;
};

std::vector<Fault> faults() {
    const auto order = [](BuildStep& r, BuildOrder which) {
        for (const auto one : r.orders) {
            if (one == which) return true;
        }
        return false;
    };
    return {
        {"starts beside a build that is being ended",
         [](BuildStep& r, const BuildGate& from, const BuildEvent& e) {
             if (from.state == State::ending && std::holds_alternative<BuildSettled>(e)) {
                 r.orders.push_back(BuildOrder::start);
             }
         }},
        {"does not wait for the burst",
         [](BuildStep& r, const BuildGate& from, const BuildEvent& e) {
             if (from.state == State::idle && std::holds_alternative<BuildNeeded>(e)) {
                 r.orders.push_back(BuildOrder::start);
             }
         }},
        {"switches to a build that was ended",
         [](BuildStep& r, const BuildGate& from, const BuildEvent& e) {
             if (from.state == State::ending && std::holds_alternative<BuildGone>(e)) {
                 r.verdict = BuildVerdict::succeeded;
             }
         }},
        {"takes a failure for a success",
         [](BuildStep& r, const BuildGate&, const BuildEvent&) {
             if (r.verdict == BuildVerdict::failed) r.verdict = BuildVerdict::succeeded;
         }},
        {"forgets what changed during a build",
         [](BuildStep& r, const BuildGate& from, const BuildEvent& e) {
             if (from.state != State::idle && std::holds_alternative<BuildNeeded>(e)) {
                 r = {from, {}, BuildVerdict::none};
             }
         }},
        {"forgets a request",
         [](BuildStep& r, const BuildGate& from, const BuildEvent& e) {
             if (std::holds_alternative<BuildRequested>(e)) r = {from, {}, BuildVerdict::none};
         }},
        {"never kills",
         [order](BuildStep& r, const BuildGate& from, const BuildEvent&) {
             if (order(r, BuildOrder::kill)) r = {from, {}, BuildVerdict::none};
         }},
        {"leaves a build running at the end",
         [](BuildStep& r, const BuildGate& from, const BuildEvent& e) {
             if (std::holds_alternative<BuildsOver>(e)) {
                 r = {from, {}, BuildVerdict::none};
                 r.next.over = true;
                 r.next.wanted = false;
             }
         }},
        {"builds on after the end",
         [](BuildStep& r, const BuildGate&, const BuildEvent&) { r.next.over = false; }},
        {"ends every build for every save",
         [](BuildStep& r, const BuildGate&, const BuildEvent&) { r.next.ended = 0; }},
        {"builds again for nothing",
         [](BuildStep& r, const BuildGate&, const BuildEvent&) {
             if (r.verdict == BuildVerdict::failed) {
                 r.orders.push_back(BuildOrder::start);
                 r.next.state = State::running;
             }
         }},
    };
}

TEST(BuildGateWalk, catches_every_fault) {
    for (const auto& fault : faults()) {
        Walk walk([&](const BuildGate& from, const BuildEvent& event, SteadyTime now,
                      const BuildOptions& options) {
            BuildStep result = step(from, event, now, options);
            fault.harm(result, from, event);
            return result;
        });
        EXPECT_NE(walk.run(), "") << "not caught: " << fault.name;
    }
}

TEST(BuildGate, a_step_of_an_end_takes_its_time) {
    BuildGate gate;
    gate = step(gate, BuildRequested{}, t0, {}).next;
    gate = step(gate, BuildNeeded{}, t0, {}).next;
    ASSERT_EQ(gate.deadline(), t0 + BuildOptions().end_timeout);
    EXPECT_TRUE(step(gate, BuildTime{}, t0, {}).orders.empty());
    // What changes meanwhile does not move the deadline.
    gate = step(gate, BuildNeeded{}, t0 + std::chrono::seconds(1), {}).next;
    const auto late = step(gate, BuildTime{}, *gate.deadline(), {});
    EXPECT_EQ(gate.deadline(), t0 + BuildOptions().end_timeout);
    EXPECT_EQ(late.orders, std::vector{BuildOrder::kill});
}

TEST(BuildGate, said_twice_the_end_is_at_once) {
    BuildGate gate = step(BuildGate{}, BuildRequested{}, t0, {}).next;
    auto result = step(gate, BuildsOver{}, t0, {});
    EXPECT_EQ(result.orders, std::vector{BuildOrder::ask});
    result = step(result.next, BuildsOver{}, t0, {});
    EXPECT_EQ(result.orders, std::vector{BuildOrder::kill});
    result = step(result.next, BuildsOver{}, t0, {});
    EXPECT_EQ(result.orders, std::vector{BuildOrder::force});
}

}  // namespace
}  // namespace oneloop
