// commentary: the console's sentences that have to remember what came before: how long a stop took,
// and which worker made room for which.
//
// Pure: moments and facts in, events of the log out. Not for single facts (messages) and not for
// what status and why tell later (chronicle).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/log.h"
#include "supervisor/control_protocol.h"
#include "supervisor/lifecycle.h"

namespace oneloop {

class Commentary {
  public:
    struct Facts {
        std::vector<std::string> command;
        std::string isolation;  // empty: none worth a word
        int quick_limit = 0;    // 0 when nothing is watched
    };
    explicit Commentary(Facts facts) : facts_(std::move(facts)) {}

    // The first order of a stop; later ones are the same stop. `worker` may be 0: not started yet.
    void stop_asked(pid_t worker, int signal, SteadyTime now);
    void tree_gone(SteadyTime now);
    void spawning(SteadyTime now);

    struct Started {
        log::Event event;
        std::string end_of_the_one_before;  // empty: it was not stopped for this one
    };
    Started worker_started(pid_t pid, std::uint64_t generation,
                           const std::optional<control::Cause>& cause, SteadyTime now);

    // Of ReportEnd: what ended was not stopped by us.
    log::Event ended(const ReportEnd& report);
    [[nodiscard]] log::Event stop_timeout(Stopping::Step step, SteadyTime now) const;
    // At the end of all; none when there is nothing to say.
    [[nodiscard]] std::optional<log::Event> finished() const;

  private:
    struct Stop {
        pid_t pid = 0;
        int signal = 0;
        SteadyTime began;
        SteadyTime ended;
    };
    Facts facts_;
    std::optional<Stop> stop_;      // of the generation that lives, or lived last
    std::optional<Stop> replaced_;  // whom the coming worker replaces
    SteadyTime spawned_;
    pid_t worker_ = 0;
};

}  // namespace oneloop
