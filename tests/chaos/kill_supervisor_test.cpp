// The supervisor is killed at random moments and started again at once. Intervals of two
// generations never overlap, nothing is left, and the same with the lock in the supervisor's hands
// does overlap.
//
// The seed is printed; ONELOOP_CHAOS_SEED repeats a run, ONELOOP_CHAOS_KILLS makes it longer.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

long from_environment(const char* name, long otherwise) {
    const char* value = ::getenv(name);
    return value ? std::atol(value) : otherwise;
}

class KillSupervisor : public SupervisorFixture {};

TEST_F(KillSupervisor, TwoGenerationsNeverOverlap) {
    const auto seed = static_cast<unsigned long>(
        from_environment("ONELOOP_CHAOS_SEED", static_cast<long>(std::random_device{}())));
    const long kills = from_environment("ONELOOP_CHAOS_KILLS", 200);
    std::printf("seed %lu, %ld kills\n", seed, kills);
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<int> moment(0, 15'000);  // µs

    int refused = 0;
    int with_worker = 0;
    {
        const Census census(mark, is_worker);
        for (long i = 0; i < kills; ++i) {
            auto supervisor = supervise({"--watch"}, probe({"--ignore-term", "--escapee"}));
            let_pass(std::chrono::microseconds(moment(random)));
            with_worker += living(mark, is_worker).empty() ? 0 : 1;
            supervisor.signal(SIGKILL);
            // Not waited for: the next one starts while this one is still being torn down. A start
            // that comes too early is refused, and tried again as a person would.
            for (;;) {
                auto next = supervise({"--watch"}, probe({"--ignore-term", "--escapee"}));
                const auto early = next.wait(milliseconds(3));
                if (early && early->code == exit_running) {
                    ++refused;
                    continue;
                }
                let_pass(std::chrono::microseconds(moment(random)));
                next.signal(SIGKILL);
                break;
            }
        }
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
    const IntervalLog times(intervals);
    std::printf("workers %zu, kills that met one %d, starts refused as too early %d\n",
                times.entries(), with_worker, refused);
    EXPECT_GT(times.entries(), static_cast<std::size_t>(kills) / 4) << "too few met a worker";
    EXPECT_TRUE(times.generations_grow());
    for (const auto& overlap : times.overlaps()) {
        ADD_FAILURE() << overlap.pid_a << " and " << overlap.pid_b << " ran at once for "
                      << overlap.nanoseconds << " ns (seed " << seed << ")";
    }
    EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, milliseconds(500)));
}

TEST_F(KillSupervisor, ControlALockHeldByTheSupervisorLetsThemOverlap) {
    const std::vector<std::string> naive = {ONELOOP_NAIVE_SUPERVISOR,
                                            "supervisor-lock",
                                            dir.file("lock"),
                                            ONELOOP_PROBE_WORKER,
                                            "--intervals",
                                            intervals,
                                            "--log",
                                            log};
    auto holder = std::make_unique<Process>(Process(start(naive)));
    ASSERT_TRUE(wait_for_starts(1));
    for (int i = 2; i <= 40; ++i) {
        auto next = std::make_unique<Process>(Process(start(naive)));  // waits for the lock
        let_pass(milliseconds(3));
        holder->signal(SIGKILL);
        ASSERT_TRUE(wait_for_starts(i));
        holder = std::move(next);
    }
    holder->signal(SIGKILL);
    EXPECT_FALSE(IntervalLog(intervals).overlaps().empty())
        << "the control did not fail, so the test above proves nothing";
}

}  // namespace
}  // namespace oneloop::test
