#include "supervisor/brain.h"

#include <algorithm>

namespace oneloop {

Advice Brain::step(const Input& input, SteadyTime now) {
    Advice advice;
    // What is due by now comes before what has just happened.
    if (gate_.settle(now)) {
        advice.changes = std::move(burst_);
        burst_ = {};
        burst_paths_.clear();
        feed(Settled{}, now, advice);
    }
    if (const auto* changed = std::get_if<FileChanged>(&input)) {
        gate_.change(now, changed->kind);
        note(changed->path);
        feed(Changed{}, now, advice);
    } else if (std::holds_alternative<EventsLost>(input)) {
        gate_.change(now, ChangeKind::written);
        burst_.events_lost = true;
        feed(Changed{}, now, advice);
    } else if (const auto* ended = std::get_if<LeaderEnded>(&input)) {
        feed(*ended, now, advice);
    } else if (std::holds_alternative<TreeGone>(input)) {
        feed(TreeGone{}, now, advice);
    } else if (std::holds_alternative<RestartRequested>(input)) {
        feed(RestartRequested{}, now, advice);
    } else if (const auto* stop = std::get_if<StopRequested>(&input)) {
        feed(*stop, now, advice);
    } else {
        feed(TimePassed{}, now, advice);
    }
    return advice;
}

std::optional<SteadyTime> Brain::deadline() const {
    const auto gate = gate_.deadline();
    const auto life = lifecycle_.deadline();
    if (gate && life) return std::min(*gate, *life);
    return gate ? gate : life;
}

void Brain::feed(const Event& event, SteadyTime now, Advice& advice) {
    Step result = oneloop::step(lifecycle_, event, now, options_);
    lifecycle_ = std::move(result.next);
    advice.commands.insert(advice.commands.end(), result.commands.begin(), result.commands.end());
}

void Brain::note(const std::string& path) {
    // A checkout of ten thousand files needs no exact count; beyond the limit each event counts.
    constexpr std::size_t limit = 1000;
    if (burst_.first_path.empty()) burst_.first_path = path;
    if (burst_paths_.size() < limit) {
        if (!burst_paths_.insert(path).second) return;
    }
    ++burst_.count;
}

}  // namespace oneloop
