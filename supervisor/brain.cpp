#include "supervisor/brain.h"

#include <algorithm>
#include <utility>

namespace oneloop {

Advice Brain::step(const Input& input, SteadyTime now) {
    Advice advice;
    // What is due by now comes before what has just happened.
    if (gate_.settle(now)) {
        advice.changes = summarize(burst_);
        burst_ = {};
        feed(Settled{}, now, advice);
    }
    if (const auto* changed = std::get_if<FileChanged>(&input)) {
        take(*changed, now, advice);
    } else if (std::holds_alternative<EventsLost>(input) && paused_) {
        held_.events_lost = true;
    } else if (std::holds_alternative<PauseRequested>(input)) {
        paused_ = true;
    } else if (std::holds_alternative<ResumeRequested>(input)) {
        resume(now, advice);
    } else if (std::holds_alternative<EventsLost>(input)) {
        gate_.change(now, ChangeKind::written);
        burst_.events_lost = true;
        feed(Changed{}, now, advice);
    } else if (const auto* ended = std::get_if<LeaderEnded>(&input)) {
        feed(*ended, now, advice);
    } else if (const auto* failed = std::get_if<Failed>(&input)) {
        feed(*failed, now, advice);
    } else if (std::holds_alternative<TreeGone>(input)) {
        own_writes_.gone(now);
        feed(TreeGone{}, now, advice);
    } else if (std::holds_alternative<RestartRequested>(input)) {
        feed(RestartRequested{}, now, advice);
    } else if (const auto* stop = std::get_if<StopRequested>(&input)) {
        feed(*stop, now, advice);
    } else {
        feed(TimePassed{}, now, advice);
    }
    advice.suspects = own_writes_.take_suspects();
    return advice;
}

void Brain::take(const FileChanged& changed, SteadyTime now, Advice& advice) {
    advice.held_own_write = own_writes_.changed(changed.path, changed.could_be_own, now);
    if (advice.held_own_write) return;
    if (paused_) return note(changed, held_);
    gate_.change(now, changed.kind);
    note(changed, burst_);
    feed(Changed{}, now, advice);
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
    for (const auto& command : result.commands) {
        if (!std::holds_alternative<Spawn>(command)) continue;
        held_ = {};  // what was noted before a start, the start has seen
        own_writes_.started(now);
    }
    advice.commands.insert(advice.commands.end(), result.commands.begin(), result.commands.end());
}

// What was noted is one burst, as if it had all happened now.
void Brain::resume(SteadyTime now, Advice& advice) {
    paused_ = false;
    const Burst held = std::exchange(held_, {});
    if (held.paths.empty() && !held.events_lost) return;
    auto kind = ChangeKind::written;
    for (const auto& path : held.paths) {
        if (path.new_here || !path.removed) note({path.name, ChangeKind::written}, burst_);
        if (!path.removed) continue;
        note({path.name, ChangeKind::removed}, burst_);
        kind = ChangeKind::removed;
    }
    burst_.more += held.more;
    burst_.events_lost = burst_.events_lost || held.events_lost;
    gate_.change(now, kind);
    feed(Changed{}, now, advice);
}

void Brain::note(const FileChanged& changed, Burst& burst) {
    // A checkout of ten thousand files needs no exact count; beyond the limit each event counts.
    constexpr std::size_t limit = 1000;
    const bool removed = changed.kind == ChangeKind::removed;
    const auto known = burst.index.find(changed.path);
    if (known != burst.index.end()) {
        burst.paths[known->second].removed = removed;
    } else if (burst.paths.size() < limit) {
        burst.index.emplace(changed.path, burst.paths.size());
        burst.paths.push_back({changed.path, !removed, removed});
    } else {
        ++burst.more;
    }
}

ChangeSummary Brain::summarize(const Burst& burst) {
    ChangeSummary summary;
    summary.events_lost = burst.events_lost;
    // Written first and gone in the end: an editor's temporary file, beside what it was for.
    const auto temporary = [](const Burst::Path& path) { return path.new_here && path.removed; };
    const bool all = std::all_of(burst.paths.begin(), burst.paths.end(), temporary);
    for (const auto& path : burst.paths) {
        if (!all && temporary(path)) continue;
        constexpr std::size_t most = 20;
        if (summary.count++ == 0) {
            summary.first_path = path.name;
        } else if (summary.others.size() < most) {
            summary.others.push_back(path.name);
        }
    }
    summary.count += burst.more;
    return summary;
}

}  // namespace oneloop
