// policy: what an ended worker means, and when the next one may start.
//
// Pure: values in, values out. Not for how a worker is stopped (lifecycle) and not for what counts
// as a change (change_gate).
//
//   exit 0            done; wait for a change, or finish when nothing is watched
//   exit 3            the worker asks to be started again (Werkzeug, Django): at once. Of a
//                     server that says with it that it can't start: a crash
//   exit 78           the worker's configuration is wrong (sysexits.h): no retry cures that, a
//                     change may
//   not executed      the command itself is wrong (missing, not executable): a mistake to correct,
//                     so at the very first start we finish with the shell's 126 or 127
//   not started       for want of processes, descriptors or space: again and again with a growing
//                     delay, since no change of a file is the cure
//   no sign of life   a crash, whatever it exits with when it is told to stop for it
//   anything else     a crash: try again with a growing delay; after three quick ones in a row,
//                     with --watch, wait for a change instead of filling the screen. With
//                     on_crash wait it waits after the first one, and ends when no change can come;
//                     with finish it ends. Its end is ours: the same code, 128+n for a signal, 1
//                     for a 3, which we never say, and 1 for one that we ended for its silence
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "common/clock.h"
#include "common/exit_status.h"

namespace oneloop {

// The leader of the tree (the user's command) ended.
struct Exited {
    ExitStatus status;
    std::string why = {};  // for people, of a SIGKILL that was the kernel's: "out of memory: …"
    friend bool operator==(const Exited&, const Exited&) = default;
};

// No user code ever ran.
struct NotStarted {
    enum class Stage { lock_busy, lock, spawn, exec };
    Stage stage = Stage::exec;
    int code = 0;      // errno of the step that failed, or 0
    std::string what;  // for people: "exec ./app: Permission denied"
    friend bool operator==(const NotStarted&, const NotStarted&) = default;
};

// It lives, or lived when this was said, and does not do what it was asked for: ready in time, a
// sign of life in time.
struct Unresponsive {
    std::string what;    // for people, after "worker 4711": "said nothing for 3.0s (--watchdog 2s)"
    bool hangs = false;  // where, a core would show
    friend bool operator==(const Unresponsive&, const Unresponsive&) = default;
};

using WorkerEnd = std::variant<Exited, NotStarted, Unresponsive>;

// By Ctrl-C or Ctrl-\, or with a shell's 130, which is what "killed by SIGINT" becomes on its way
// through one.
bool interrupted(const WorkerEnd& end);

struct PolicyOptions {
    enum class OnExit { wait, restart, finish };
    OnExit on_exit = OnExit::wait;  // after exit 0
    enum class OnCrash { restart, wait, finish };
    OnCrash on_crash = OnCrash::restart;
    bool watching = true;        // a change can come
    bool exit_3_reloads = true;  // false: with a server that fails to start so
    bool jitter = true;          // spread the delays; off only in the model test
    Duration first_delay = std::chrono::milliseconds(500);
    Duration longest_delay = std::chrono::seconds(30);
    Duration quick = std::chrono::seconds(2);  // a shorter life is a quick failure
    int quick_limit = 3;                       // quick failures in a row before waiting
    int quick_reloads = 10;                    // exit 3 at once, in a row, before it is a failure
};

// What is remembered from one end to the next.
struct History {
    bool ever_started = false;  // a worker's code has run at least once
    int quick_failures = 0;     // in a row
    int quick_reloads = 0;      // lives in a row that ended with exit 3 within first_delay
    Duration delay{};           // the last delay given
    std::uint64_t seed = 0x9E3779B97F4A7C15ULL;
    friend bool operator==(const History&, const History&) = default;
};

struct RespawnAfter {
    Duration delay{};
    friend bool operator==(const RespawnAfter&, const RespawnAfter&) = default;
};
struct WaitForChange {
    friend bool operator==(const WaitForChange&, const WaitForChange&) = default;
};
struct FinishWith {
    int code = 0;  // never reload_exit_code
    friend bool operator==(const FinishWith&, const FinishWith&) = default;
};
using Verdict = std::variant<RespawnAfter, WaitForChange, FinishWith>;

struct Judgement {
    Verdict verdict;
    bool failure = false;  // counts as a crash in what people are told
    History history;       // to be remembered
};

// `lived` is the time from spawn to the end of the leader.
Judgement judge(const WorkerEnd& end, Duration lived, const History& history,
                const PolicyOptions& options);

}  // namespace oneloop
