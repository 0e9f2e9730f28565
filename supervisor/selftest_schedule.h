// selftest_schedule: what the selftest does to a supervisor, step by step, out of a seed.
//
// Pure: a seed and a number in, a step out. Step n is the same whatever happened in the steps
// before, so that a printed seed repeats a run's plan although no two runs have the same timing.
// Not for doing it (selftest_run).
#pragma once

#include <chrono>
#include <cstdint>

namespace oneloop::selftest {

enum class Whom { supervisor, warden, worker, supervisor_and_warden };

struct Step {
    enum class Kind {
        kill,
        stop,     // SIGSTOP, and what `then` says
        edit,     // of a watched file
        second,   // a second start, which has to be refused
        replace,  // a start with --if-running replace
    };
    enum class Then { kill, kill_supervisor, replace, resume };
    enum class Start { error, wait, replace };  // --if-running of the supervisor that comes next

    Kind kind = Kind::kill;
    Whom whom = Whom::supervisor;
    Then then = Then::resume;
    bool meet_worker = false;             // only when a worker runs; else wherever its start is
    std::chrono::microseconds delay{};    // from then, or from the start, to the deed
    std::chrono::microseconds stopped{};  // how long a stop lasts
    Start next = Start::error;
    int starts = 1;  // supervisors that are started at once when one is missing

    friend bool operator==(const Step&, const Step&) = default;
};

// `patient`: no PID namespace, where killing supervisor and warden together costs the next start
// two seconds of asking politely; so it is rarer there.
Step step_at(std::uint64_t seed, std::uint64_t number, bool patient);

}  // namespace oneloop::selftest
