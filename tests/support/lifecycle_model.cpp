#include "tests/support/lifecycle_model.h"

#include <fmt/format.h>

#include <deque>
#include <map>
#include <utility>

#include "tests/support/lifecycle_world.h"

namespace oneloop::model {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Explorer {
  public:
    Explorer(const Machine& machine, const LifecycleOptions& options)
        : machine_(machine), options_(options) {}

    Verdict run() {
        World start;
        add(start, -1, "start");
        while (!queue_.empty() && verdict_.violation.empty()) {
            const std::size_t at = queue_.front();
            queue_.pop_front();
            const World world = nodes_[at].world;
            for (const auto& move : moves(world)) {
                current_ = at;
                World next = world;
                if (!apply(next, move)) break;
                ++verdict_.transitions;
                rebase(next);
                add(next, static_cast<long>(at), move.name);
            }
            if (verdict_.violation.empty()) check_futures(world, at);
        }
        verdict_.states = nodes_.size();
        return verdict_;
    }

  private:
    struct Node {
        World world;
        long from;
        std::string by;
    };

    void violate(const std::string& what) {
        if (!verdict_.violation.empty()) return;
        verdict_.violation = what;
        for (long at = static_cast<long>(current_); at >= 0;
             at = nodes_[static_cast<std::size_t>(at)].from) {
            verdict_.history.insert(verdict_.history.begin(),
                                    nodes_[static_cast<std::size_t>(at)].by);
        }
        if (!trail_.empty()) {
            verdict_.history.insert(verdict_.history.end(), trail_.begin(), trail_.end());
        }
    }

    void add(const World& world, long from, const std::string& by) {
        if (!seen_.emplace(key_of(world, now_), nodes_.size()).second) return;
        queue_.push_back(nodes_.size());
        nodes_.push_back({world, from, by});
    }

    // The clock starts at the same point for every state, so that equal futures have equal values.
    void rebase(World& world) {
        const Duration passed = now_ - origin_;
        const auto back = [&](SteadyTime& time) {
            if (time != SteadyTime::min()) time -= passed;
        };
        if (auto* waiting = std::get_if<Waiting>(&world.machine.state)) {
            if (waiting->due) back(*waiting->due);
        } else if (auto* running = std::get_if<Running>(&world.machine.state)) {
            back(running->since);
        } else if (auto* stopping = std::get_if<Stopping>(&world.machine.state)) {
            back(stopping->since);
            back(stopping->deadline);
        }
        now_ = origin_;
    }

    std::vector<Move> moves(const World& world) {
        std::vector<Move> all;
        const auto deadline = machine_.deadline(world.machine);
        const auto nothing = [](World&) {};
        all.push_back({"changed", {}, Changed{}, [](World& w) { w.unseen = w.burst = true; }});
        all.push_back(
            {"restart requested", {}, RestartRequested{}, [](World& w) { w.restart = true; }});
        for (const bool insistent : {false, true}) {
            all.push_back({insistent ? "interrupted" : "asked to stop",
                           {},
                           StopRequested{15, insistent},
                           [](World& w) { w.stop = true; }});
        }
        all.push_back({"preparing", {}, Preparing{}, [](World& w) { w.burst = true; }});
        if (world.burst) {
            all.push_back({"settled", {}, Settled{}, [](World& w) { w.burst = false; }});
        }
        if (deadline && *deadline > now_) {
            all.push_back({"deadline", *deadline - now_, TimePassed{}, nothing});
        }
        if (!deadline) all.push_back({"3 s pass", seconds(3), TimePassed{}, nothing});
        if (world.child) {
            all.push_back(
                {"tree gone", {}, TreeGone{}, [](World& w) { w.child = w.leader = false; }});
        }
        if (world.child) {
            for (const bool hangs : {false, true}) {
                const WorkerEnd end = Unresponsive{"is silent", hangs};
                all.push_back(
                    {"declared failed: " + describe_end(end), {}, Failed{end}, [](World& w) {
                         // Only a running one is meant; what stops anyway stops anyway.
                         w.failed = w.failed || std::holds_alternative<Running>(w.machine.state);
                     }});
            }
        }
        if (world.leader) {
            const std::vector<WorkerEnd> ends = {Exited{{0, 0}},
                                                 Exited{{3, 0}},
                                                 Exited{{7, 0}},
                                                 Exited{{0, 9}},
                                                 NotStarted{NotStarted::Stage::exec, 2, ""},
                                                 NotStarted{NotStarted::Stage::lock_busy, 0, ""}};
            for (const auto& end : ends) {
                all.push_back(
                    {"leader ends " + describe_end(end), {}, LeaderEnded{end}, [](World& w) {
                         w.leader = false;
                     }});
            }
        }
        return all;
    }

    bool apply(World& world, const Move& move) {
        if (world.ended) return true;  // the loop has stopped
        now_ += move.advance;
        move.world(world);
        const Lifecycle before = world.machine;
        Step result = machine_.step(world.machine, move.event, now_, options_);
        world.machine = std::move(result.next);
        for (const auto& command : result.commands)
            obey(world, command);
        check_state(before, world);
        return verdict_.violation.empty();
    }

    void obey(World& world, const Command& command) {
        if (std::holds_alternative<Spawn>(command)) {
            if (world.child) violate("a second worker: Spawn while a child lives");
            if (world.burst) violate("Spawn before the burst of changes settled");
            if (world.stop) violate("Spawn after a stop request");
            if (world.failed && !world.unseen && !world.restart) {
                violate("a worker that was declared failed was not judged");
            }
            world.failed = false;
            world.child = world.leader = true;
            world.unseen = world.restart = world.may_wait = false;
            world.last.reset();
        } else if (std::holds_alternative<SignalTree>(command) ||
                   std::holds_alternative<KillTree>(command)) {
            if (!world.child) violate("a signal, but no child lives");
            world.last = command;
        } else if (const auto* finish = std::get_if<Finish>(&command)) {
            if (world.child) violate("the end, but a child lives");
            if (finish->code == reload_exit_code) violate("the supervisor exits with 3");
            if (!world.stop && !world.may_end) violate("the end, but nobody asked for it");
            world.ended = true;
        } else if (const auto* report = std::get_if<ReportEnd>(&command)) {
            world.may_wait = std::holds_alternative<WaitForChange>(report->verdict);
            world.may_end = std::holds_alternative<FinishWith>(report->verdict);
            if (report->failure) world.failed = false;
        }
    }

    void check_state(const Lifecycle& before, const World& world) {
        const auto* waiting = std::get_if<Waiting>(&world.machine.state);
        if (waiting && world.child) violate("waiting, but a child lives");
        if (waiting && !waiting->due && !world.may_wait) violate("waits for nothing");
        if (std::holds_alternative<Running>(world.machine.state) && (world.unseen || world.stop)) {
            violate("a worker runs on that is out of date or was to be stopped");
        }
        if (std::holds_alternative<Running>(world.machine.state) && world.failed) {
            violate("a worker runs on that was declared failed");
        }
        if (std::holds_alternative<Waiting>(world.machine.state) && world.failed && !world.unseen &&
            !world.restart) {
            violate("a worker that was declared failed was forgotten");
        }
        const auto* was = std::get_if<Stopping>(&before.state);
        const auto* is = std::get_if<Stopping>(&world.machine.state);
        if (was && is && was->step == is->step && is->step == Stopping::Step::asked &&
            is->deadline > was->deadline) {
            violate("the deadline of a stop was moved back");
        }
    }

    // With no more input from outside, what was promised happens.
    void check_futures(const World& world, std::size_t at) {
        for (const Temper temper : {Temper::obeys, Temper::deaf, Temper::very_deaf}) {
            World future = world;
            now_ = origin_;
            current_ = at;
            trail_.clear();
            const bool wants_end = world.stop;
            const bool wants_spawn = !wants_end && !world.ended && (world.unseen || world.restart);
            for (int i = 0; i < 20 && verdict_.violation.empty(); ++i) {
                if (wants_spawn && !future.unseen && !future.restart) break;
                if (wants_end && std::holds_alternative<Finished>(future.machine.state)) break;
                if (!advance(future, temper)) break;
            }
            if (!verdict_.violation.empty()) break;
            if (wants_spawn && (future.unseen || future.restart)) {
                violate("a change or a request was never followed by a fresh spawn");
            }
            if (wants_end && !std::holds_alternative<Finished>(future.machine.state)) {
                violate("a stop request never led to the end");
            }
            trail_.clear();
            now_ = origin_;
        }
    }

    // The next thing that happens by itself. False when nothing does.
    bool advance(World& world, Temper temper) {
        Move move{"", {}, TimePassed{}, [](World&) {}};
        if (world.burst) {
            move = {"then: settled", {}, Settled{}, [](World& w) { w.burst = false; }};
        } else if (world.child && ends(world, temper)) {
            if (world.leader) {
                move = {"then: leader ends", {}, LeaderEnded{Exited{{0, 15}}}, [](World& w) {
                            w.leader = false;
                        }};
            } else {
                move = {"then: tree gone", {}, TreeGone{}, [](World& w) { w.child = false; }};
            }
        } else {
            const auto deadline = machine_.deadline(world.machine);
            if (!deadline) return false;
            move.name = "then: deadline";
            if (*deadline > now_) move.advance = *deadline - now_;
        }
        trail_.push_back(move.name);
        return apply(world, move);
    }

    static bool ends(const World& world, Temper temper) {
        if (!world.last) return false;
        const auto* kill = std::get_if<KillTree>(&*world.last);
        switch (temper) {
            case Temper::obeys:
                return true;
            case Temper::deaf:
                return kill != nullptr;
            case Temper::very_deaf:
                return kill != nullptr && kill->warden_too;
        }
        return true;
    }

    const Machine& machine_;
    const LifecycleOptions& options_;
    Verdict verdict_;
    std::vector<Node> nodes_;
    std::map<std::string, std::size_t> seen_;
    std::deque<std::size_t> queue_;
    std::size_t current_ = 0;
    std::vector<std::string> trail_;
    const SteadyTime origin_{std::chrono::hours(1)};
    SteadyTime now_ = origin_;
};

}  // namespace

Machine real_machine() {
    return {[](const Lifecycle& current, const Event& event, SteadyTime now,
               const LifecycleOptions& options) { return step(current, event, now, options); },
            [](const Lifecycle& current) { return current.deadline(); }};
}

Verdict explore(const Machine& machine, const LifecycleOptions& options) {
    return Explorer(machine, options).run();
}

}  // namespace oneloop::model
