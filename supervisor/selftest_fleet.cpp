#include "supervisor/selftest_fleet.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <utility>

#include "supervisor/descendants.h"
#include "supervisor/process_table.h"
#include "supervisor/selftest_probe.h"

namespace oneloop::selftest {
namespace {

pid_t parent_of(pid_t pid) {
    const auto record = pid > 0 ? read_process(pid, {}) : std::nullopt;
    return record ? record->parent : 0;
}

}  // namespace

// A worker a kill, one an edit, a stop and a replacement, and some to spare.
Fleet::Fleet(Stage& stage, const RunOptions& options, RunResult& result)
    : stage_(stage),
      options_(options),
      result_(result),
      log_(stage.file("intervals"), static_cast<std::size_t>(4 * options.kills + 1000)) {
    if (auto guarded = stage.guard(stage.file("intervals")); !guarded) {
        broken("the selftest itself", guarded.error().what);
    }
}

void Fleet::broken(std::string promise, std::string evidence) {
    result_.broken.push_back({std::move(promise), std::move(evidence)});
}

std::optional<pid_t> Fleet::start(Step::Start how) {
    constexpr std::array<const char*, 3> names = {"error", "wait", "replace"};
    std::vector<std::string> arguments = {
        "--watch", "--isolate", options_.isolate, "--state-dir", stage_.file("state"),
        "--if-running", names.at(static_cast<std::size_t>(how)),
        // Short, so that a second is worth many kills.
        "--debounce", "5ms", "--stop-timeout", "50ms", "--", stage_.program(), selftest_probe_mode,
        stage_.file("intervals")};
    if (!options_.sabotage.empty()) {
        arguments = {selftest_control_mode, options_.sabotage, stage_.file("sabotage.lock"),
                     stage_.file("intervals")};
    }
    started_ = Steady::now();
    const auto pid = stage_.start(arguments);
    if (!pid) {
        broken("the selftest itself", pid.error().what);
        return std::nullopt;
    }
    if (how == Step::Start::replace) replacing_ = true;
    supervisors_.push_back({*pid, false});
    return *pid;
}

void Fleet::kill_all() {
    for (auto& one : supervisors_) {
        ::kill(one.pid, SIGKILL);
        one.killed = true;
    }
    replacing_ = false;
}

void Fleet::reap() {
    for (auto it = supervisors_.begin(); it != supervisors_.end();) {
        const auto end = stage_.ended(it->pid);
        if (!end) {
            ++it;
            continue;
        }
        const bool refused = *end == ExitStatus{exit_running, 0};
        const bool made_way = replacing_ && (*end == ExitStatus{exit_ok, 0} ||
                                             end->signal == SIGTERM || end->signal == SIGKILL);
        if (refused) ++result_.counts.too_early;
        if (!it->killed && !refused && !made_way) {
            broken("a supervisor that nobody ends goes on",
                   fmt::format("supervisor {} ended: {}", it->pid, describe(*end)));
        }
        it = supervisors_.erase(it);
    }
}

bool Fleet::runs(pid_t pid) const {
    return std::any_of(supervisors_.begin(), supervisors_.end(),
                       [&](const auto& one) { return one.pid == pid && !one.killed; });
}

long Fleet::running() const {
    return std::count_if(supervisors_.begin(), supervisors_.end(),
                         [](const auto& one) { return !one.killed; });
}

pid_t Fleet::any() const {
    for (const auto& one : supervisors_) {
        if (!one.killed) return one.pid;
    }
    return 0;
}

const IntervalLog::Slot* Fleet::newest() const {
    for (std::size_t i = log_.entries(); i > 0; --i) {
        if (log_.entry(i - 1).first != 0) return &log_.entry(i - 1);
    }
    return nullptr;
}

std::int64_t Fleet::generation() const {
    const auto* slot = newest();
    return slot ? slot->generation.load() : 0;
}

pid_t Fleet::worker() const {
    const auto* slot = newest();
    return slot ? static_cast<pid_t>(slot->pid) : 0;
}

pid_t Fleet::keeper() const {
    const pid_t parent = parent_of(worker());
    const pid_t above = options_.sabotage.empty() ? parent_of(parent) : parent;
    return runs(above) ? above : 0;
}

pid_t Fleet::warden() const {
    for (const auto& one : supervisors_) {
        if (one.killed) continue;
        // Not what a supervisor starts for a moment to try what the machine allows.
        for (const pid_t child : children_of(one.pid)) {
            const auto record = read_process(child, {});
            if (record && !record->arguments.empty() && record->arguments[0] == "oneloop-warden") {
                return child;
            }
        }
    }
    return 0;
}

bool Fleet::look_for_leftovers() {
    const auto newest_one = generation();
    std::vector<Marked> old;
    const bool none = wait_for(
        [&] {
            old = stage_.living();
            std::erase_if(old, [&](const Marked& one) {
                return one.generation == 0 || one.generation >= newest_one;
            });
            return old.empty();
        },
        gone_limit);
    if (none || caught_signal()) return fine();
    result_.counts.leftovers += old.size();
    for (const auto& one : old) {
        broken("nothing of an earlier generation is left",
               fmt::format("pid {} of generation {} beside generation {}: {}", one.pid,
                           one.generation, newest_one, one.command));
    }
    return false;
}

void Fleet::look_for_overlaps() {
    result_.counts.workers = log_.entries();
    const auto overlaps = log_.overlaps();
    for (std::size_t i = result_.counts.overlaps; i < std::min<std::size_t>(overlaps.size(), 20);
         ++i) {
        const auto& one = overlaps[i];
        broken("at most one worker",
               fmt::format("pid {} (generation {}) and pid {} (generation {}) ran at once for "
                           "{} ns from {} ns on",
                           one.pid_a, one.generation_a, one.pid_b, one.generation_b,
                           one.nanoseconds, one.begin));
    }
    result_.counts.overlaps = overlaps.size();
}

}  // namespace oneloop::selftest
