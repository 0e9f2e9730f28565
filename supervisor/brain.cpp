#include "supervisor/brain.h"

#include <algorithm>
#include <utility>

#include "common/exit_status.h"

namespace oneloop {
namespace {

Doubts::Options doubts_of(const ChangeGate::Options& gate) {
    Doubts::Options options;
    options.removal = gate.quiet_after_removal;
    options.fresh = gate.quiet;
    options.longest_fresh = std::max(gate.quiet, options.longest_fresh);
    return options;
}

// What may end in a start: a worker is not started while a file is absent only for a moment.
bool may_start(const Input& input) {
    return !std::holds_alternative<FileChanged>(input) &&
           !std::holds_alternative<FileUnchanged>(input) &&
           !std::holds_alternative<PauseRequested>(input) &&
           !std::holds_alternative<TimePassed>(input);
}

}  // namespace

Brain::Brain(const LifecycleOptions& options, const ChangeGate::Options& gate,
             const OwnWrites::Options& own_writes, const BuildOptions& build)
    : options_(options),
      build_options_(build),
      gate_(gate),
      doubts_(doubts_of(gate)),
      own_writes_(own_writes) {
    lifecycle_.gathering = build.enabled;  // nothing to start yet
    build_.wanted = build.enabled;
}

Advice Brain::step(const Input& input, SteadyTime now) {
    Advice advice;
    // What is due by now comes before what has just happened.
    if (gate_.settle(now)) {
        advice.changes = summarize(burst_);
        burst_ = {};
        settled(now, advice);
    }
    if (may_start(input)) {
        count_all(doubts_.all(), now, advice);
    } else {
        count_due(now, advice);
    }
    if (const auto* file = std::get_if<FileChanged>(&input)) {
        take(*file, now, advice);
    } else if (const auto* unchanged = std::get_if<FileUnchanged>(&input)) {
        doubts_.back(unchanged->path);
        if (!gate_.deadline() && !paused_) same_.saved(unchanged->path, now);
    } else if (std::holds_alternative<EventsLost>(input)) {
        lost(now, advice);
    } else if (const auto* build = std::get_if<BuildGone>(&input)) {
        feed_build(*build, now, advice);
    } else if (std::holds_alternative<PauseRequested>(input)) {
        paused_ = true;
    } else if (std::holds_alternative<ResumeRequested>(input)) {
        resume(now, advice);
    } else if (const auto* ended = std::get_if<LeaderEnded>(&input)) {
        feed(*ended, now, advice);
    } else if (const auto* failed = std::get_if<Failed>(&input)) {
        feed(*failed, now, advice);
    } else if (std::holds_alternative<TreeGone>(input)) {
        own_writes_.gone(now);
        feed(TreeGone{}, now, advice);
    } else if (std::holds_alternative<RestartRequested>(input)) {
        restart(now, advice);
    } else if (const auto* request = std::get_if<StopRequested>(&input)) {
        stop(*request, now, advice);
    } else {
        if (build_options_.enabled) feed_build(BuildTime{}, now, advice);
        feed(TimePassed{}, now, advice);
    }
    // It is told to stop anyway.
    if (!undisturbed()) count_all(doubts_.all(), now, advice);
    advice.unchanged = same_.due(now);
    advice.suspects = own_writes_.take_suspects();
    return advice;
}

bool Brain::undisturbed() const {
    return std::holds_alternative<Running>(lifecycle_.state) && !gate_.deadline();
}

void Brain::take(const FileChanged& changed, SteadyTime now, Advice& advice) {
    advice.held_own_write = own_writes_.changed(changed.path, changed.could_be_own, now);
    if (advice.held_own_write || held_for_build(changed.path, advice)) return;
    if (put_in_doubt(changed, now, advice)) return;
    count(changed, now, advice);
}

bool Brain::put_in_doubt(const FileChanged& changed, SteadyTime now, Advice& advice) {
    if (!undisturbed() || paused_) return false;
    if (changed.kind == ChangeKind::removed) {
        if (doubts_.removed(changed.path, now)) advice.counted_removals.push_back(changed.path);
        return true;
    }
    if (changed.fresh || doubts_.is_fresh(changed.path)) {
        doubts_.fresh(changed.path, now);
        return true;
    }
    doubts_.back(changed.path);
    return false;
}

void Brain::count(const FileChanged& changed, SteadyTime now, Advice& advice) {
    if (changed.kind == ChangeKind::removed) advice.counted_removals.push_back(changed.path);
    if (paused_) return note(changed, held_);
    same_.drop();
    gate_.change(now, changed.kind);
    note(changed, burst_);
    changed_at(now, advice);
}

void Brain::count_all(const std::vector<Doubts::Doubt>& doubts, SteadyTime now, Advice& advice) {
    for (const auto& doubt : doubts) {
        count({doubt.path, doubt.removed ? ChangeKind::removed : ChangeKind::written}, now, advice);
    }
}

// The quiet time of a removal was spent in doubt: the file will not be back.
void Brain::count_due(SteadyTime now, Advice& advice) {
    for (const auto& doubt : doubts_.due(now)) {
        if (doubt.removed) advice.counted_removals.push_back(doubt.path);
        const FileChanged changed{doubt.path,
                                  doubt.removed ? ChangeKind::removed : ChangeKind::written};
        if (paused_) {
            note(changed, held_);
            continue;
        }
        same_.drop();
        gate_.change(now, ChangeKind::written);
        note(changed, burst_);
        changed_at(now, advice);
    }
}

void Brain::lost(SteadyTime now, Advice& advice) {
    if (held_for_build("", advice)) return;
    if (paused_) {
        held_.events_lost = true;
        return;
    }
    gate_.change(now, ChangeKind::written);
    burst_.events_lost = true;
    changed_at(now, advice);
}

bool Brain::held_for_build(const std::string& path, Advice& advice) {
    if (!build_options_.enabled) return false;
    advice.held_build_write = build_writes_.changed(path, build_.state != BuildGate::State::idle);
    return advice.held_build_write.has_value();
}

void Brain::changed_at(SteadyTime now, Advice& advice) {
    if (build_options_.enabled) return feed_build(BuildNeeded{}, now, advice);
    feed(Changed{}, now, advice);
}

void Brain::settled(SteadyTime now, Advice& advice) {
    if (build_options_.enabled) return feed_build(BuildSettled{}, now, advice);
    feed(Settled{}, now, advice);
}

// With a build, so that what does not build does not cost the worker that runs.
void Brain::restart(SteadyTime now, Advice& advice) {
    if (build_options_.enabled) return feed_build(BuildRequested{}, now, advice);
    feed(RestartRequested{}, now, advice);
}

void Brain::stop(const StopRequested& request, SteadyTime now, Advice& advice) {
    if (build_options_.enabled) feed_build(BuildsOver{}, now, advice);
    feed(request, now, advice);
}

void Brain::feed_build(const BuildEvent& event, SteadyTime now, Advice& advice) {
    BuildStep result = oneloop::step(build_, event, now, build_options_);
    build_ = result.next;
    if (result.verdict != BuildVerdict::none) {
        advice.build_verdict = result.verdict;
        build_writes_.done();
    }
    if (result.verdict == BuildVerdict::succeeded) {
        built_ = true;
        feed(Changed{}, now, advice);
        feed(Settled{}, now, advice);
    } else if (result.verdict == BuildVerdict::failed) {
        const auto* gone = std::get_if<BuildGone>(&event);
        build_failed(gone && gone->misconfigured, now, advice);
    }
    for (const auto order : result.orders) {
        advice.build.push_back(order);
        if (order != BuildOrder::start) continue;
        held_ = {};  // what was noted before a build, the build has seen
        build_writes_.started();
        feed(Preparing{}, now, advice);
    }
}

// What was there before the build goes on, and is tried again if it crashes.
void Brain::build_failed(bool misconfigured, SteadyTime now, Advice& advice) {
    if (built_) return feed(Settled{}, now, advice);
    if (options_.policy.watching) return;
    // There is nothing to run, and nothing will change.
    advice.commands.emplace_back(Finish{misconfigured ? exit_config : exit_unavailable, 0});
    lifecycle_.state = Finished{};
}

std::optional<SteadyTime> Brain::deadline() const {
    std::optional<SteadyTime> first;
    for (const auto& one : {gate_.deadline(), build_.deadline(), lifecycle_.deadline(),
                            doubts_.deadline(), same_.deadline()}) {
        if (one && (!first || *one < *first)) first = one;
    }
    return first;
}

void Brain::feed(const Event& event, SteadyTime now, Advice& advice) {
    Step result = oneloop::step(lifecycle_, event, now, options_);
    lifecycle_ = std::move(result.next);
    for (const auto& command : result.commands) {
        // The end waits for the build that runs, and nobody needs it any more.
        if (std::holds_alternative<Finish>(command) && build_options_.enabled && !build_.over)
            feed_build(BuildsOver{}, now, advice);
        if (!std::holds_alternative<Spawn>(command)) continue;
        // What was noted before a start, the start has seen, unless it has to be built.
        if (!build_options_.enabled) held_ = {};
        own_writes_.started(now);
        same_.started();
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
    changed_at(now, advice);
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
