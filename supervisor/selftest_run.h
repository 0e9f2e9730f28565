// selftest_run: kills, stops and starts supervisors by plan, and looks whether what they promise
// still holds. First the controls, two supervisors that do it wrong: what does not catch them
// proves nothing.
//
// Not for what is said about it (selftest_report) and not for the plan (selftest_schedule). Each
// returns early when a signal was caught. One thread; waits.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "supervisor/selftest_stage.h"

namespace oneloop::selftest {

// How long after an end something may still be seen dying.
constexpr milliseconds gone_limit{500};

struct Counts {
    long kills = 0;  // the sum of the next four
    long supervisors = 0;
    long wardens = 0;
    long workers_killed = 0;
    long both = 0;  // supervisor and warden at the same moment
    long stops = 0;
    long edits = 0;
    long seconds = 0;  // second starts, refused
    long replaced = 0;
    long too_early = 0;  // starts that were refused while the one before was still dying
    std::size_t workers = 0;
    std::size_t overlaps = 0;
    std::size_t leftovers = 0;
};

struct Broken {
    std::string promise;   // "at most one worker"
    std::string evidence;  // pids, generations, nanoseconds
};

struct RunOptions {
    long kills = 200;
    std::uint64_t seed = 0;
    std::string isolate = "auto";  // as --isolate takes it
    bool patient = false;          // see step_at
    std::string sabotage;          // a control's name: runs it instead of the supervisor
    std::function<void(const Counts&)> progress;
};

struct RunResult {
    Counts counts;
    std::vector<Broken> broken;  // empty: every promise was kept
    double start_seconds = 0;    // from the last start to its worker
    double gone_seconds = 0;     // from the end of the last supervisor until nothing was left
};

RunResult run(Stage& stage, const RunOptions& options);

struct Control {
    std::string name;
    bool caught = false;  // it failed, as it has to
    std::string text;     // what was seen
};

Control control_lock(Stage& stage);
Control control_group(Stage& stage);

}  // namespace oneloop::selftest
