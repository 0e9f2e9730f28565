// watchdog: a period in which somebody has to give a sign, and that stands still while he can't.
//
// Pure: the moments of signs and looks in, the moment of the next look and "it is late" out. It
// serves the sign of life (--watchdog) and the time to get ready (--ready-timeout). Not for how a
// look is done (worker_state) and not for what follows from being late (lifecycle).
//
// A look happens each quarter of a period without a sign, so that what held the worker for longer
// than that is seen also when it is over before the period is. Whatever a look finds, a whole new
// period begins: from the look on that no longer finds it, or at once when it is over already.
// While it is held, one look a period is enough.
#pragma once

#include <string>

#include "common/clock.h"

namespace oneloop {

// Why time did not count. Empty: it did.
struct Hold {
    std::string why;    // for people: "it is stopped (SIGSTOP)"
    bool over = false;  // it was so, and is no longer
    friend bool operator==(const Hold&, const Hold&) = default;
};

class Watchdog {
  public:
    // A timer of ours that comes later than this says that we did not run ourselves.
    static constexpr Duration patience_with_ourselves = std::chrono::seconds(1);

    // The first period begins `now`; it is longer than 0.
    Watchdog(Duration period, SteadyTime now);

    void sign(SteadyTime now);
    void change_period(Duration period, SteadyTime now);  // a sign as well
    void not_before(SteadyTime time);                     // late at this time, or later

    // When to look.
    [[nodiscard]] SteadyTime deadline() const { return next_look_; }
    // What the look has found. True: it is late.
    bool looked(const Hold& found, SteadyTime now);

    [[nodiscard]] Duration period() const { return period_; }
    [[nodiscard]] SteadyTime last_sign() const { return last_sign_; }
    // What the last look has found, until a sign or another look.
    [[nodiscard]] const std::string& held() const { return hold_.why; }

  private:
    [[nodiscard]] SteadyTime due() const;
    void begin(SteadyTime now);
    void plan(SteadyTime now);

    Duration period_;
    SteadyTime last_sign_;
    SteadyTime since_;  // begin of the period
    SteadyTime at_best_ = SteadyTime::min();
    SteadyTime next_look_;
    Hold hold_;
};

}  // namespace oneloop
