#include "supervisor/policy.h"

#include <algorithm>
#include <cerrno>

namespace oneloop {
namespace {

// splitmix64 (Vigna): one multiplication-heavy step, enough to keep restarts of several machines
// from marching in step.
std::uint64_t next_random(std::uint64_t& state) {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

// Decorrelated jitter: between the first delay and three times the last one.
Duration next_delay(History& history, const PolicyOptions& options) {
    const Duration last = std::max(history.delay, options.first_delay);
    Duration delay = history.delay == Duration{} ? options.first_delay : 2 * last;
    if (options.jitter && history.delay != Duration{}) {
        const auto span = static_cast<std::uint64_t>((3 * last - options.first_delay).count());
        delay = options.first_delay +
                Duration(static_cast<Duration::rep>(next_random(history.seed) % (span + 1)));
    }
    history.delay = std::min(delay, options.longest_delay);
    return history.delay;
}

History calm(const History& history) {
    History calmed;
    calmed.ever_started = history.ever_started;
    calmed.seed = history.seed;
    return calmed;
}

// As a shell tells it.
int code_of(const WorkerEnd& end) {
    if (const auto* exited = std::get_if<Exited>(&end)) {
        const ExitStatus status = exited->status;
        if (status.signal != 0) return 128 + status.signal;
        return status.code == reload_exit_code ? 1 : status.code;
    }
    if (std::holds_alternative<Unresponsive>(end)) return 1;  // how it ended then was our doing
    const int error = std::get<NotStarted>(end).code;
    return error == ENOENT || error == ENOTDIR ? exit_not_found : exit_not_executable;
}

// Tried again, with a delay that grows.
Judgement failed(Duration lived, History history, const PolicyOptions& options) {
    if (lived >= options.quick) {
        history = calm(history);
    } else {
        history.quick_failures = std::min(history.quick_failures + 1, options.quick_limit);
    }
    if (options.watching && history.quick_failures >= options.quick_limit) {
        return {WaitForChange{}, true, history};
    }
    const Duration delay = next_delay(history, options);
    return {RespawnAfter{delay}, true, history};
}

Judgement crashed(const WorkerEnd& end, Duration lived, const History& history,
                  const PolicyOptions& options) {
    using OnCrash = PolicyOptions::OnCrash;
    if (options.on_crash == OnCrash::restart) return failed(lived, history, options);
    if (options.on_crash == OnCrash::wait && options.watching) {
        return {WaitForChange{}, true, calm(history)};
    }
    return {FinishWith{code_of(end)}, true, calm(history)};
}

Judgement judge_exit(ExitStatus status, Duration lived, History history,
                     const PolicyOptions& options) {
    history.ever_started = true;
    if (status == ExitStatus{reload_exit_code, 0} && options.exit_3_reloads) {
        // Asked for, so no failure; but a program that asks at once and for ever is one.
        const int quick = lived < options.first_delay ? history.quick_reloads + 1 : 0;
        if (quick > options.quick_reloads) return crashed(Exited{status}, lived, history, options);
        History next = calm(history);
        next.quick_reloads = quick;
        return {RespawnAfter{}, false, next};
    }
    if (status == ExitStatus{0, 0}) {
        switch (options.on_exit) {
            case PolicyOptions::OnExit::restart:
                if (lived < options.quick) return failed(lived, history, options);
                return {RespawnAfter{}, false, calm(history)};
            case PolicyOptions::OnExit::finish:
                return {FinishWith{exit_ok}, false, calm(history)};
            case PolicyOptions::OnExit::wait:
                break;
        }
        if (!options.watching) return {FinishWith{exit_ok}, false, calm(history)};
        return {WaitForChange{}, false, calm(history)};
    }
    if (status == ExitStatus{exit_config, 0}) {
        const bool wait = options.watching && options.on_crash != PolicyOptions::OnCrash::finish;
        if (wait) return {WaitForChange{}, true, calm(history)};
        return {FinishWith{exit_config}, true, calm(history)};
    }
    return crashed(Exited{status}, lived, history, options);
}

Judgement judge_no_start(const NotStarted& end, const History& history,
                         const PolicyOptions& options) {
    if (end.stage == NotStarted::Stage::exec && !history.ever_started) {
        return {FinishWith{code_of(end)}, true, history};
    }
    if (end.stage == NotStarted::Stage::lock_busy) {
        // Somebody else's worker lives. Nothing of ours failed: keep asking, never start a second.
        return {RespawnAfter{options.first_delay}, true, history};
    }
    if (end.stage != NotStarted::Stage::exec) {
        // No process, no descriptor, no space: the command is not to blame, so no change of a file
        // is the cure. It may come by itself.
        History next = history;
        const Duration delay = next_delay(next, options);
        return {RespawnAfter{delay}, true, next};
    }
    return crashed(end, Duration{}, history, options);
}

}  // namespace

Judgement judge(const WorkerEnd& end, Duration lived, const History& history,
                const PolicyOptions& options) {
    if (const auto* exited = std::get_if<Exited>(&end)) {
        return judge_exit(exited->status, lived, history, options);
    }
    if (std::holds_alternative<Unresponsive>(end)) {
        History started = history;
        started.ever_started = true;
        return crashed(end, lived, started, options);
    }
    return judge_no_start(std::get<NotStarted>(end), history, options);
}

bool interrupted(const WorkerEnd& end) {
    constexpr int by_int = 2;
    constexpr int by_quit = 3;
    const auto* exited = std::get_if<Exited>(&end);
    return exited &&
           (exited->status == ExitStatus{0, by_int} || exited->status == ExitStatus{0, by_quit} ||
            exited->status == ExitStatus{128 + by_int, 0});
}

}  // namespace oneloop
