// change_gate: when a burst of file changes is over.
//
// Pure: it is told of changes and of the time, and says "settled". Not for which files count
// (path_rules) and not for what a change leads to (lifecycle).
//
// A lone save settles after 3 ms: one editor action is one burst of events, and waiting longer only
// makes people wait, those who save twice a second too. A burst that follows a burst within a tenth
// of a second is a stream (a checkout, a generator), so the quiet time grows fourfold, up to 320
// ms, and falls back as soon as twice that time passes without a change. A removal needs 50 ms:
// programs that replace a file by delete and create leave it absent for a moment. No burst is
// gathered for longer than two seconds, or a file that is written all the time would keep the
// worker down.
#pragma once

#include <algorithm>
#include <optional>

#include "common/clock.h"

namespace oneloop {

enum class ChangeKind { written, removed };

class ChangeGate {
  public:
    struct Options {
        Duration quiet = std::chrono::milliseconds(3);
        Duration quiet_after_removal = std::chrono::milliseconds(50);
        Duration longest_quiet = std::chrono::milliseconds(320);
        Duration stream =
            std::chrono::milliseconds(100);  // a burst this soon after one is a stream
        Duration longest_burst = std::chrono::seconds(2);
        bool adaptive = true;  // off with --debounce: then `quiet` is all there is
    };

    ChangeGate() = default;
    explicit ChangeGate(const Options& options) : options_(options) {}

    void change(SteadyTime now, ChangeKind kind);

    // The time at which settle() will say yes if nothing more changes; none when nothing gathers.
    [[nodiscard]] std::optional<SteadyTime> deadline() const;

    // True once per burst, at or after the deadline.
    bool settle(SteadyTime now);

  private:
    struct Burst {
        SteadyTime first;
        SteadyTime quiet_until;
    };
    Options options_;
    Duration quiet_{};  // of this or the last burst; zero before the first
    std::optional<Burst> burst_;
    std::optional<SteadyTime> last_settled_;  // end of the last burst
};

}  // namespace oneloop
