#include "supervisor/selftest_schedule.h"

#include <array>
#include <random>

namespace oneloop::selftest {
namespace {

// Not <random>'s distributions: those differ between libraries, and a seed is to be a seed.
class Dice {
  public:
    Dice(std::uint64_t seed, std::uint64_t number)
        : engine_(seed ^ (0x9E3779B97F4A7C15ULL * (number + 1))) {}
    // 0 to below - 1. The bias of the remainder is below 10^-15.
    unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }
    bool chance(unsigned percent) { return below(100) < percent; }

  private:
    std::mt19937_64 engine_;
};

struct Weight {
    Step::Kind kind;
    Whom whom;
    unsigned weight;  // of 1000
};

// Mostly what hurts most: the supervisor's death.
constexpr std::array<Weight, 10> weights = {{
    {Step::Kind::kill, Whom::supervisor, 480},
    {Step::Kind::kill, Whom::warden, 110},
    {Step::Kind::kill, Whom::worker, 110},
    {Step::Kind::kill, Whom::supervisor_and_warden, 60},
    {Step::Kind::stop, Whom::supervisor, 40},
    {Step::Kind::stop, Whom::warden, 40},
    {Step::Kind::stop, Whom::worker, 40},
    {Step::Kind::edit, Whom::supervisor, 50},
    {Step::Kind::second, Whom::supervisor, 40},
    {Step::Kind::replace, Whom::supervisor, 30},
}};

}  // namespace

Step step_at(std::uint64_t seed, std::uint64_t number, bool patient) {
    Dice dice(seed, number);
    Step step;
    unsigned at = dice.below(1000);
    for (const auto& one : weights) {
        step.kind = one.kind;
        step.whom = one.whom;
        if (at < one.weight) break;
        at -= one.weight;
    }
    const bool rather = dice.chance(80);
    if (patient && rather && step.whom == Whom::supervisor_and_warden) {
        step.whom = Whom::supervisor;
    }
    // Every moment of a start is as likely as one of the worker's life.
    step.meet_worker = dice.chance(50) || step.whom != Whom::supervisor ||
                       (step.kind != Step::Kind::kill && step.kind != Step::Kind::stop);
    step.delay = std::chrono::microseconds(dice.below(dice.chance(50) ? 1'000 : 10'000));
    step.stopped = std::chrono::microseconds(dice.below(20'000));
    constexpr std::array then = {Step::Then::kill, Step::Then::kill_supervisor, Step::Then::replace,
                                 Step::Then::resume};
    step.then = then.at(dice.below(then.size()));
    const unsigned how = dice.below(100);
    if (how >= 80) step.next = how >= 90 ? Step::Start::wait : Step::Start::replace;
    if (dice.chance(20) && step.next == Step::Start::error) step.starts = 2;
    return step;
}

}  // namespace oneloop::selftest
