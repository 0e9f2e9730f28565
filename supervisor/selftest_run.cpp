#include "supervisor/selftest_run.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

#include "common/flag.h"
#include "common/lock_file.h"
#include "supervisor/selftest_fleet.h"
#include "supervisor/selftest_schedule.h"

namespace oneloop::selftest {
namespace {

// Far beyond what a start takes, ending leftovers of the run before included (5.5 s).
constexpr milliseconds start_limit{20'000};
constexpr milliseconds end_limit{15'000};

double seconds_since(SteadyTime then) {
    return std::chrono::duration<double>(Steady::now() - then).count();
}

class Run {
  public:
    Run(Stage& stage, const RunOptions& options)
        : stage_(stage), options_(options), fleet_(stage, options, result_) {}

    RunResult go() {
        fleet_.start(Step::Start::error);
        for (std::uint64_t number = 0; counts().kills < options_.kills && fine(); ++number) {
            take(step_at(options_.seed, number, options_.patient));
            fleet_.reap();
            if (number % 16 == 0) fleet_.look_for_overlaps();
            if (options_.progress) options_.progress(counts());
        }
        fleet_.look_for_overlaps();
        if (fine()) end_well();
        stage_.sweep();
        fleet_.look_for_overlaps();
        if (const auto bad = fleet_.log().not_grown(); bad && options_.sabotage.empty()) {
            const auto& entry = fleet_.log().entry(*bad);
            broken("generations grow",
                   fmt::format("worker {} has generation {}, and an earlier one had as much",
                               entry.pid.load(), entry.generation.load()));
        }
        if (fleet_.log().full())
            broken("the selftest itself", "more workers than its log has room for");
        std::ifstream complaints(stage_.file("unproven"));
        for (std::string line; std::getline(complaints, line);)
            broken("the worker is handed a lock that is real", line);
        if (options_.progress) options_.progress(counts());
        return std::move(result_);
    }

  private:
    Counts& counts() { return result_.counts; }
    [[nodiscard]] bool fine() const { return fleet_.fine(); }
    void broken(std::string promise, std::string evidence) {
        fleet_.broken(std::move(promise), std::move(evidence));
    }

    // Until a worker has begun that is newer than the last deed, and one supervisor is left.
    bool meet_worker() {
        const bool met = wait_for(
            [&] {
                fleet_.reap();
                if (fleet_.running() == 0) fleet_.start(Step::Start::error);
                return !fine() || (fleet_.log().entries() > seen_ && fleet_.running() == 1);
            },
            start_limit);
        if (!fine()) return false;
        if (met) return fleet_.look_for_leftovers();
        broken("a worker starts",
               fmt::format("no worker {}s after the last deed; {} supervisors run, generation {} "
                           "was the last",
                           start_limit.count() / 1000, fleet_.running(), fleet_.generation()));
        return false;
    }

    void edit() {
        seen_ = now_;
        ++edits_;
        std::ofstream(stage_.watched(edits_), std::ios::trunc) << edits_ << '\n';
    }

    void take(const Step& step) {
        if (step.meet_worker && !meet_worker()) return;
        pause_for(step.delay);
        fleet_.reap();
        if (fleet_.running() == 0) fleet_.start(step.next);
        now_ = fleet_.log().entries();
        // A control neither refuses nor makes way, which would end the run before it is caught.
        const bool sabotaged = !options_.sabotage.empty();
        switch (sabotaged ? Step::Kind::kill : step.kind) {
            case Step::Kind::kill:
                return kill(step.whom, step);
            case Step::Kind::stop:
                return stop(step);
            case Step::Kind::edit:
                ++counts().edits;
                return edit();
            case Step::Kind::second:
                return second_start();
            case Step::Kind::replace:
                return replace();
        }
    }

    void kill(Whom whom, const Step& step) {
        if (whom == Whom::warden || whom == Whom::worker) {
            const bool is_warden = whom == Whom::warden;
            const pid_t pid = is_warden ? fleet_.warden() : fleet_.worker();
            if (pid > 0 && stage_.signal(pid, SIGKILL)) {
                ++counts().kills;
                ++(is_warden ? counts().wardens : counts().workers_killed);
                return edit();  // ends the pause that follows a crash
            }
        }
        const pid_t together = whom == Whom::supervisor_and_warden ? fleet_.warden() : 0;
        seen_ = now_;
        fleet_.kill_all();
        const bool both = together > 0 && stage_.signal(together, SIGKILL);
        ++counts().kills;
        ++(both ? counts().both : counts().supervisors);
        const int starts = options_.sabotage.empty() ? step.starts : 1;  // two would both go on
        for (int i = 0; i < starts; ++i)
            fleet_.start(step.next);
    }

    void stop(const Step& step) {
        const auto send = [&](int signal) {
            if (step.whom != Whom::supervisor) return stage_.signal(stopped_, signal);
            return fleet_.runs(stopped_) && ::kill(stopped_, signal) == 0;
        };
        stopped_ = step.whom == Whom::warden   ? fleet_.warden()
                   : step.whom == Whom::worker ? fleet_.worker()
                                               : fleet_.any();
        if (stopped_ <= 0 || !send(SIGSTOP)) return kill(Whom::supervisor, step);
        ++counts().stops;
        pause_for(step.stopped);
        switch (step.then) {
            case Step::Then::kill:
                return kill(step.whom, step);
            case Step::Then::kill_supervisor:
                return kill(Whom::supervisor, step);
            case Step::Then::replace:
                replace();
                // One that was stopped before it had the lock is nobody's to take over from.
                send(SIGCONT);
                return;
            case Step::Then::resume:
                send(SIGCONT);
                return;
        }
    }

    // Waits until `one` has ended. The others are looked at as well.
    bool wait_for_end(pid_t pid) {
        return wait_for(
            [&] {
                fleet_.reap();
                return !fleet_.runs(pid);
            },
            end_limit);
    }

    void second_start() {
        const pid_t first = fleet_.keeper();
        const auto early = counts().too_early;
        const auto second = fleet_.start(Step::Start::error);
        if (!second || first == 0) return;  // who wins is open
        if (!wait_for_end(*second)) {
            if (fine()) {
                broken("a second start is refused",
                       fmt::format("supervisor {} goes on beside {}", *second, first));
            }
            return;
        }
        if (!fine()) return;
        if (fleet_.runs(first) && counts().too_early == early + 1) {
            counts().too_early = early;
            ++counts().seconds;
        } else {
            broken("a second start is refused",
                   fmt::format("not {} was refused, but {}", *second, first));
        }
    }

    void replace() {
        const pid_t first = fleet_.keeper();
        seen_ = now_;
        const auto second = fleet_.start(Step::Start::replace);
        if (!second || first == 0) return;
        if (!wait_for_end(first)) {
            if (fine()) {
                broken("--if-running replace ends the one that runs",
                       fmt::format("supervisor {} goes on beside {}", first, *second));
            }
            return;
        }
        if (!fine()) return;
        if (!fleet_.runs(*second)) {
            broken("--if-running replace takes over",
                   fmt::format("supervisor {} was refused after {} had made way", *second, first));
        }
        ++counts().replaced;
    }

    // The faults are over: a worker comes, goes when told to, and nothing is left of it all.
    void end_well() {
        const auto over = Steady::now();
        pid_t last = 0;
        wait_for(
            [&] {
                fleet_.reap();
                if (fleet_.running() == 0) fleet_.start(Step::Start::error);
                last = fleet_.running() == 1 ? fleet_.keeper() : 0;
                return last != 0 || !fine();
            },
            start_limit);
        if (!fine()) return;
        result_.start_seconds = seconds_since(over);
        if (last == 0) {
            return broken("a worker starts when the faults are over",
                          fmt::format("none within {}s", start_limit.count() / 1000));
        }
        fleet_.expect_ends();
        ::kill(last, SIGTERM);
        if (!wait_for_end(last)) {
            if (fine()) broken("a stop ends", fmt::format("supervisor {} goes on", last));
            return;
        }
        const auto ended = Steady::now();
        std::vector<Marked> left;
        wait_for([&] { return (left = stage_.living()).empty(); }, gone_limit);
        result_.gone_seconds = seconds_since(ended);
        counts().leftovers += left.size();
        for (const auto& one : left) {
            broken("nothing outlives its supervisor",
                   fmt::format("pid {} of generation {} lives {}ms after the end: {}", one.pid,
                               one.generation, gone_limit.count(), one.command));
        }
        if (options_.sabotage.empty()) look_at_locks();
    }

    void look_at_locks() {
        for (const char* name : {flag::supervisor_lock_name, flag::worker_lock_name}) {
            auto lock = LockFile::open(stage_.file("state/") + name);
            const auto held = lock ? lock->try_lock() : Result<bool>(tl::unexpected(lock.error()));
            if (!held || !*held) {
                broken("the locks are free at the end",
                       fmt::format("{}: {}", name, held ? "somebody holds it" : held.error().what));
            }
        }
    }

    Stage& stage_;
    const RunOptions& options_;
    RunResult result_;
    Fleet fleet_;
    std::size_t now_ = 0;   // entries of the log when the step was taken
    std::size_t seen_ = 0;  // the same, at the last deed that has to bring a new worker
    pid_t stopped_ = 0;
    std::size_t edits_ = 0;
};

}  // namespace

RunResult run(Stage& stage, const RunOptions& options) {
    return Run(stage, options).go();
}

}  // namespace oneloop::selftest
