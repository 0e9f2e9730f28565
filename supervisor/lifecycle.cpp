#include "supervisor/lifecycle.h"

#include <utility>

namespace oneloop {
namespace {

// One transition in progress. Every pair of state and event has an overload of on(); a missing one
// does not compile, because std::visit has nothing to call.
class Transition {
  public:
    Transition(const Lifecycle& current, SteadyTime now, const LifecycleOptions& options)
        : next_(current), now_(now), options_(options) {}

    Step run(const Event& event) {
        const State state = next_.state;
        std::visit([this](const auto& from, const auto& what) { on(from, what); }, state, event);
        spawn_if_due();
        return {std::move(next_), std::move(commands_)};
    }

  private:
    // ---- Waiting: no child ----
    void on(const Waiting&, const Changed&) {
        note_change();
        wake();
    }
    void on(const Waiting&, const Settled&) { next_.gathering = false; }
    void on(const Waiting&, const Preparing&) { next_.gathering = true; }
    void on(const Waiting&, const LeaderEnded&) {}  // no child: nothing to end
    void on(const Waiting&, const Failed&) {}
    void on(const Waiting&, const TreeGone&) {}
    void on(const Waiting&, const RestartRequested&) { wake(); }
    void on(const Waiting&, const StopRequested& stop) {
        next_.finishing = stop;
        finish(exit_ok, stop.signal);
    }
    void on(const Waiting&, const TimePassed&) {}  // spawn_if_due looks at the clock

    // ---- Running: a child, not told to stop ----
    void on(const Running& from, const Changed&) {
        note_change();
        ask_to_stop(from.since);
    }
    void on(const Running&, const Settled&) { next_.gathering = false; }
    void on(const Running&, const Preparing&) { next_.gathering = true; }
    void on(const Running& from, const LeaderEnded& event) {
        // The leader is gone, its tree perhaps not: what it left behind is told to stop as well.
        commands_.emplace_back(SignalTree{});
        next_.state = Stopping{
            Stopping::Step::asked, from.since, now_ + options_.stop_timeout, false, event.end,
            now_ - from.since};
    }
    void on(const Running& from, const Failed& event) {
        const auto* hung = std::get_if<Unresponsive>(&event.end);
        commands_.emplace_back(
            SignalTree{hung && hung->hangs ? SignalTree::Signal::abort : SignalTree::Signal::stop});
        // Judged when the tree is gone, as what it was declared to be: a worker that exits with 0
        // when it is told to stop has failed all the same.
        next_.state = Stopping{
            Stopping::Step::asked, from.since, now_ + options_.stop_timeout, false, event.end,
            now_ - from.since};
    }
    void on(const Running& from, const TreeGone&) {
        // The warden was killed and took the news with it.
        next_.state = Stopping{Stopping::Step::asked,    from.since,       now_, false,
                               Exited{ExitStatus{0, 9}}, now_ - from.since};
        on(std::get<Stopping>(State(next_.state)), TreeGone{});
    }
    void on(const Running& from, const RestartRequested&) {
        next_.outdated = true;
        ask_to_stop(from.since);
    }
    void on(const Running& from, const StopRequested& stop) {
        next_.finishing = stop;
        ask_to_stop(from.since);
    }
    void on(const Running&, const TimePassed&) {}

    // ---- Stopping: a child, on its way out ----
    void on(const Stopping&, const Changed&) { note_change(); }
    void on(const Stopping&, const Settled&) { next_.gathering = false; }
    void on(const Stopping&, const Preparing&) { next_.gathering = true; }
    void on(const Stopping& from, const LeaderEnded& event) {
        const bool declared = from.end && std::holds_alternative<Unresponsive>(*from.end);
        if (from.end && !declared) return;
        Stopping to = from;
        if (!declared) {
            to.end = event.end;
            to.lived = now_ - from.since;
        }
        // The leader is gone and its helpers get the signal they have not had yet.
        if (from.step == Stopping::Step::asked) commands_.emplace_back(SignalTree{});
        next_.state = to;
    }
    void on(const Stopping&, const Failed&) {}  // it is being ended already
    void on(const Stopping& from, const TreeGone&) {
        // gone: whatever happens now, no child lives.
        next_.state = Waiting{};
        if (next_.finishing) return finish(exit_ok, next_.finishing->signal);
        const WorkerEnd end = from.end.value_or(Exited{ExitStatus{0, 9}});
        if (from.by_us || next_.outdated) {
            // What follows was decided when we told it to stop. Its code did run, or was told to.
            if (!std::holds_alternative<NotStarted>(end)) next_.history.ever_started = true;
            if (!from.by_us) report(end, from.lived, RespawnAfter{}, false);
            next_.history.quick_failures = 0;
            next_.history.delay = {};
            wake();
            return;
        }
        const Judgement judged = judge(end, from.lived, next_.history, options_.policy);
        next_.history = judged.history;
        report(end, from.lived, judged.verdict, judged.failure);
        if (const auto* respawn = std::get_if<RespawnAfter>(&judged.verdict)) {
            next_.state = Waiting{now_ + respawn->delay};
        } else if (const auto* finish_with = std::get_if<FinishWith>(&judged.verdict)) {
            finish(finish_with->code, 0);
        }
    }
    void on(const Stopping& from, const RestartRequested&) {
        next_.outdated = true;
        next_.state = from;
    }
    void on(const Stopping& from, const StopRequested& stop) {
        const bool again = next_.finishing.has_value();
        next_.finishing = stop;
        if (again && stop.insistent && from.step == Stopping::Step::asked) escalate(from);
    }
    void on(const Stopping& from, const TimePassed&) {
        if (now_ >= from.deadline) escalate(from);
    }

    // ---- Finished: the end ----
    void on(const Finished&, const Changed&) {}
    void on(const Finished&, const Settled&) {}
    void on(const Finished&, const Preparing&) {}
    void on(const Finished&, const LeaderEnded&) {}
    void on(const Finished&, const Failed&) {}
    void on(const Finished&, const TreeGone&) {}
    void on(const Finished&, const RestartRequested&) {}
    void on(const Finished&, const StopRequested&) {}
    void on(const Finished&, const TimePassed&) {}

    void note_change() {
        next_.outdated = true;
        next_.gathering = true;
    }

    // Waiting, due now. A change forgives earlier failures: it may be their cure.
    void wake() {
        next_.history.quick_failures = 0;
        next_.history.delay = {};
        next_.state = Waiting{now_};
    }

    void ask_to_stop(SteadyTime since) {
        commands_.emplace_back(SignalTree{});
        next_.state =
            Stopping{Stopping::Step::asked, since, now_ + options_.stop_timeout, true, {}, {}};
    }

    void escalate(const Stopping& from) {
        Stopping to = from;
        to.step =
            from.step == Stopping::Step::asked ? Stopping::Step::killing : Stopping::Step::forced;
        to.deadline = now_ + options_.kill_timeout;
        commands_.emplace_back(KillTree{to.step == Stopping::Step::forced});
        // KILL again and again, for what is stuck may fork once more; said once.
        if (from.step != to.step) commands_.emplace_back(ReportStopTimeout{to.step});
        next_.state = to;
    }

    void finish(int code, int signal) {
        commands_.emplace_back(Finish{code, signal});
        next_.state = Finished{};
    }

    void report(const WorkerEnd& end, Duration lived, const Verdict& verdict, bool failure) {
        commands_.emplace_back(
            ReportEnd{end, lived, verdict, failure, next_.history.quick_failures});
    }

    void spawn_if_due() {
        const auto* waiting = std::get_if<Waiting>(&next_.state);
        if (!waiting || !waiting->due || *waiting->due > now_ || next_.gathering) return;
        commands_.emplace_back(Spawn{});
        next_.outdated = false;
        next_.state = Running{now_};
    }

    Lifecycle next_;
    SteadyTime now_;
    const LifecycleOptions& options_;
    std::vector<Command> commands_;
};

}  // namespace

std::optional<SteadyTime> Lifecycle::deadline() const {
    if (const auto* waiting = std::get_if<Waiting>(&state)) {
        // While a burst gathers, the gate's deadline is the one that counts.
        return gathering ? std::nullopt : waiting->due;
    }
    if (const auto* stopping = std::get_if<Stopping>(&state)) return stopping->deadline;
    return std::nullopt;
}

bool Lifecycle::restarting() const {
    const auto* stopping = std::get_if<Stopping>(&state);
    return stopping && stopping->by_us && !finishing;
}

Step step(const Lifecycle& current, const Event& event, SteadyTime now,
          const LifecycleOptions& options) {
    return Transition(current, now, options).run(event);
}

}  // namespace oneloop
