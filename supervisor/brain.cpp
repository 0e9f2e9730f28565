#include "supervisor/brain.h"

#include <algorithm>

namespace oneloop {

Advice Brain::step(const Input& input, SteadyTime now) {
    Advice advice;
    // What is due by now comes before what has just happened.
    if (gate_.settle(now)) {
        advice.changes = summarize();
        burst_ = {};
        feed(Settled{}, now, advice);
    }
    if (const auto* changed = std::get_if<FileChanged>(&input)) {
        gate_.change(now, changed->kind);
        note(*changed);
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

void Brain::note(const FileChanged& changed) {
    // A checkout of ten thousand files needs no exact count; beyond the limit each event counts.
    constexpr std::size_t limit = 1000;
    const bool removed = changed.kind == ChangeKind::removed;
    const auto known = burst_.index.find(changed.path);
    if (known != burst_.index.end()) {
        burst_.paths[known->second].removed = removed;
    } else if (burst_.paths.size() < limit) {
        burst_.index.emplace(changed.path, burst_.paths.size());
        burst_.paths.push_back({changed.path, !removed, removed});
    } else {
        ++burst_.more;
    }
}

ChangeSummary Brain::summarize() const {
    ChangeSummary summary;
    summary.events_lost = burst_.events_lost;
    // Written first and gone in the end: an editor's temporary file, beside what it was for.
    const auto temporary = [](const Burst::Path& path) { return path.new_here && path.removed; };
    const bool all = std::all_of(burst_.paths.begin(), burst_.paths.end(), temporary);
    for (const auto& path : burst_.paths) {
        if (!all && temporary(path)) continue;
        if (summary.count++ == 0) summary.first_path = path.name;
    }
    summary.count += burst_.more;
    return summary;
}

}  // namespace oneloop
