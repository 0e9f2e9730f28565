// selftest_fleet: the supervisors that the selftest has started and not yet seen the end of, and
// what is below them.
//
// Holds three promises: a supervisor ends only when it is killed, refused or replaced; no two
// workers run at once; nothing of an earlier generation runs beside a later one. Not for what is
// done to them (selftest_run). One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "supervisor/interval_log.h"
#include "supervisor/selftest_run.h"
#include "supervisor/selftest_schedule.h"

namespace oneloop::selftest {

class Fleet {
  public:
    // Writes into `result` what it counts and finds.
    Fleet(Stage& stage, const RunOptions& options, RunResult& result);

    std::optional<pid_t> start(Step::Start how);
    void kill_all();
    // From now on an end by SIGTERM is what was asked for.
    void expect_ends() { replacing_ = true; }

    // Takes the ended ones out of the list. Who was not killed by us had a reason we know, or is
    // evidence.
    void reap();
    [[nodiscard]] bool runs(pid_t pid) const;
    [[nodiscard]] long running() const;
    [[nodiscard]] pid_t any() const;                               // 0: none runs
    [[nodiscard]] SteadyTime started() const { return started_; }  // the last one

    // The worker that began last; null when none has.
    [[nodiscard]] const IntervalLog::Slot* newest() const;
    [[nodiscard]] std::int64_t generation() const;  // its
    [[nodiscard]] pid_t worker() const;             // it, 0 when there is none
    // The supervisor that keeps the newest worker, 0 when that is gone: it surely has the lock.
    [[nodiscard]] pid_t keeper() const;
    [[nodiscard]] pid_t warden() const;  // of one that runs; 0: there is none
    [[nodiscard]] const IntervalLog& log() const { return log_; }

    // While a generation runs nothing of an earlier one does. Waits a little for what is dying.
    // False: something is left, or something else is no longer fine.
    bool look_for_leftovers();
    // Two workers at once, since the log began.
    void look_for_overlaps();

    // No promise is broken yet, and nobody wants us to end.
    [[nodiscard]] bool fine() const { return result_.broken.empty() && !caught_signal(); }
    void broken(std::string promise, std::string evidence);

  private:
    struct Supervisor {
        pid_t pid;
        bool killed;  // by us
    };
    Stage& stage_;
    const RunOptions& options_;
    RunResult& result_;
    IntervalLog log_;
    std::vector<Supervisor> supervisors_;  // all unreaped children
    bool replacing_ = false;               // one was started that may have ended another
    SteadyTime started_;
};

}  // namespace oneloop::selftest
