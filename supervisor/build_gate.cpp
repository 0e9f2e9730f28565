#include "supervisor/build_gate.h"

#include <utility>

namespace oneloop {
namespace {

using State = BuildGate::State;

class Transition {
  public:
    Transition(const BuildGate& current, SteadyTime now, const BuildOptions& options)
        : result_{current, {}, BuildVerdict::none}, now_(now), options_(options) {}

    BuildStep run(const BuildEvent& event) {
        std::visit([this](const auto& what) { on(what); }, event);
        start_if_due();
        return std::move(result_);
    }

  private:
    void on(const BuildNeeded&) {
        gate().wanted = gate().gathering = true;
        if (gate().state != State::running || gate().ended >= options_.most_ended) return;
        ++gate().ended;
        end(BuildOrder::ask);
    }
    void on(const BuildSettled&) { gate().gathering = false; }
    // A build that runs is the answer already.
    void on(const BuildRequested&) {
        if (gate().state != State::running) gate().wanted = true;
    }
    void on(const BuildGone& gone) {
        const bool current = gate().state == State::running && !gate().wanted && !gate().over;
        if (gate().state == State::running) gate().ended = 0;
        gate().state = State::idle;
        // The verdict on what nobody has any more would be wrong either way.
        if (!current) return;
        result_.verdict = gone.success ? BuildVerdict::succeeded : BuildVerdict::failed;
    }
    void on(const BuildsOver&) {
        gate().over = true;
        if (gate().state == State::running) return end(BuildOrder::ask);
        if (gate().state == State::ending) escalate();
    }
    void on(const BuildTime&) {
        if (gate().state == State::ending && now_ >= gate().due) escalate();
    }

    void escalate() { end(gate().last == BuildOrder::ask ? BuildOrder::kill : BuildOrder::force); }
    void end(BuildOrder order) {
        gate().state = State::ending;
        gate().last = order;
        gate().due = now_ + options_.end_timeout;
        result_.orders.push_back(order);
    }
    void start_if_due() {
        const bool due = gate().wanted && !gate().gathering && !gate().over;
        if (gate().state != State::idle || !due) return;
        gate().wanted = false;
        gate().state = State::running;
        gate().last = BuildOrder::start;
        result_.orders.push_back(BuildOrder::start);
    }

    BuildGate& gate() { return result_.next; }

    BuildStep result_;
    SteadyTime now_;
    const BuildOptions& options_;
};

}  // namespace

std::optional<SteadyTime> BuildGate::deadline() const {
    if (state != State::ending) return std::nullopt;
    return due;
}

BuildStep step(const BuildGate& current, const BuildEvent& event, SteadyTime now,
               const BuildOptions& options) {
    return Transition(current, now, options).run(event);
}

}  // namespace oneloop
