// The supervisor is killed at random moments and started again at once. Intervals of two
// generations never overlap, nothing is left, and the same with the lock in the supervisor's hands
// does overlap.
//
// The seed is printed; ONELOOP_CHAOS_SEED repeats a run, ONELOOP_CHAOS_KILLS makes it longer.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <random>

#include "tests/support/rounds.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class KillSupervisorControl : public SupervisorFixture {};

class KillSupervisor : public SupervisorFixture, public testing::WithParamInterface<const char*> {
  protected:
    KillSupervisor() { isolation = GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(Isolation, KillSupervisor, testing::Values("subreaper", "cgroup", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(KillSupervisor, TwoGenerationsNeverOverlap) {
    const char* const given = ::getenv("ONELOOP_CHAOS_SEED");
    const auto seed = given ? std::strtoul(given, nullptr, 10) : std::random_device{}();
    const int kills = rounds("ONELOOP_CHAOS_KILLS", 60);
    std::printf("seed %lu, %d kills\n", seed, kills);
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<int> moment(0, 10'000);  // µs
    // A worker for each kill at most, and the one in the end with who may come before it.
    const IntervalLog times(intervals, static_cast<std::size_t>(kills) + 64);
    const auto command = probe({"--ignore-term", "--escapee"});

    int refused = 0;
    // A random moment: of the start in every second case, of the worker's life in the others,
    // however slow the machine is. False: refused, since the one before is still being torn down.
    const auto wait_for_the_moment = [&](Process& supervisor) {
        const auto before = times.entries();
        const auto refusal = [&] { return supervisor.wait(milliseconds(0)).has_value(); };
        if (random() % 2) {
            wait_until([&] { return times.entries() > before || refusal(); }, seconds(5));
        }
        let_pass(std::chrono::microseconds(moment(random)));
        return !refusal();
    };
    {
        const Census census(mark, is_worker);
        std::unique_ptr<Process> supervisor;
        for (int killed = 0; killed < kills;) {
            // The killed one is not waited for before the next one starts.
            supervisor = std::make_unique<Process>(supervise({"--watch"}, command));
            if (wait_for_the_moment(*supervisor)) {
                supervisor->signal(SIGKILL);
                ++killed;
            } else {
                EXPECT_EQ(supervisor->wait(seconds(0)), (ExitStatus{exit_running, 0}));
                ++refused;
            }
        }
        supervisor.reset();
        // And in the end one that stays.
        std::optional<Process> last;
        ASSERT_TRUE(wait_until(
            [&] {
                last.emplace(supervise({"--watch"}, probe()));
                const int before = logged("START");
                return wait_until([&] { return logged("START") > before; }, seconds(4));
            },
            seconds(20)))
            << read_file(console);
        stop(*last);
        EXPECT_LE(census.most(), 1U);
    }
    std::printf("workers %zu, starts refused as too early %d\n", times.entries(), refused);
    EXPECT_GT(times.entries(), static_cast<std::size_t>(kills) / 4) << "too few met a worker";
    EXPECT_FALSE(times.full()) << "whoever has no slot is seen by nobody";
    EXPECT_TRUE(times.generations_grow()) << "seed " << seed;
    for (const auto& overlap : times.overlaps()) {
        ADD_FAILURE() << overlap.pid_a << " and " << overlap.pid_b << " ran at once for "
                      << overlap.nanoseconds << " ns (seed " << seed << ")";
    }
    EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, milliseconds(500)));
}

TEST_F(KillSupervisorControl, ALockHeldByTheSupervisorLetsThemOverlap) {
    const std::vector<std::string> naive = {ONELOOP_NAIVE_SUPERVISOR,
                                            "supervisor-lock",
                                            dir.file("lock"),
                                            ONELOOP_PROBE_WORKER,
                                            "--intervals",
                                            intervals,
                                            "--log",
                                            log,
                                            "--stop-takes",
                                            "500"};
    auto holder = std::make_unique<Process>(Process(start(naive)));
    ASSERT_TRUE(wait_for_starts(1));
    // As a rule the first kill shows it. On a loaded machine the next one may come late to the
    // lock.
    const IntervalLog times(intervals);
    for (int i = 2; i <= 100 && times.overlaps().empty(); ++i) {
        auto next = std::make_unique<Process>(Process(start(naive)));  // waits for the lock
        let_pass(milliseconds(40));
        holder->signal(SIGKILL);
        ASSERT_TRUE(wait_for_starts(i));
        holder = std::move(next);
    }
    holder->signal(SIGKILL);
    EXPECT_FALSE(times.overlaps().empty())
        << "the control did not fail, so the test above proves nothing";
}

}  // namespace
}  // namespace oneloop::test
