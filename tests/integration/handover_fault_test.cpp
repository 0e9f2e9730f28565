// What may go wrong while one supervisor takes over from another: the holder hangs, the newcomer
// dies, several come at once. There are never two workers, and in the end one runs.
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/handover_fixture.h"

namespace oneloop::test {
namespace {

class HandoverFault : public HandoverFixture {};

TEST_F(HandoverFault, AStoppedHolderIsEndedBySignal) {
    const std::vector<std::string> short_stop = {"--stop-timeout", "100ms", "--socket", listen[1]};
    auto first = run(short_stop, probe({"--ignore-term", "--escapee"}));
    ASSERT_TRUE(wait_for_starts(1));
    first->signal(SIGSTOP);
    auto next = replace(short_stop, probe());
    ASSERT_TRUE(wait_for_starts(2, seconds(30))) << read_file(console);
    EXPECT_TRUE(first->wait(seconds(5)));
    EXPECT_EQ(said("handed no socket over: supervisor " + std::to_string(first->pid()) +
                   " does not answer"),
              1)
        << read_file(console);
    stop(*next);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

// It has been told to stop when it is stopped itself, so nobody answers at the end.
TEST_F(HandoverFault, AHolderThatHangsInTheMiddleIsEndedInTime) {
    const std::vector<std::string> short_stop = {"--stop-timeout", "500ms", "--socket", listen[1]};
    auto first = run({"--socket", listen[1]}, probe({"--ignore-term"}));
    ASSERT_TRUE(wait_for_starts(1));
    auto next = replace(short_stop, probe());
    ASSERT_TRUE(waits_for_the_end(*first)) << read_file(console);
    first->signal(SIGSTOP);
    ASSERT_TRUE(wait_for_starts(2, seconds(30))) << read_file(console);
    EXPECT_TRUE(first->wait(seconds(5)));
    EXPECT_EQ(said("it has not stopped in time"), 1) << read_file(console);
    stop(*next);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_F(HandoverFault, AnAskerThatDiesInTheMiddleChangesNothingOfTheStop) {
    auto first = run(listen, probe({"--stop-takes", "1500"}));
    ASSERT_TRUE(wait_for_starts(1));
    auto next = replace(listen, probe());
    ASSERT_TRUE(waits_for_the_end(*first)) << read_file(console);
    next->signal(SIGKILL);
    ASSERT_TRUE(next->wait(seconds(5)));
    EXPECT_EQ(first->wait(seconds(20)), (ExitStatus{0, 0})) << read_file(console);
    EXPECT_EQ(logged("STOP"), 1);
    EXPECT_EQ(said("wanted to take over: sendmsg: Broken pipe"), 1) << read_file(console);
    auto third = run(listen, probe());
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(*third);
}

// Either gives up, or takes over from the other; in the end one of them runs.
TEST_F(HandoverFault, TwoNewcomersAtOnceAreOneInTheEnd) {
    const Census census(mark, is_worker);
    auto current = run(listen, probe());
    ASSERT_TRUE(wait_for_starts(1));
    for (int round = 0; round < 10; ++round) {
        auto one = replace(listen, probe());
        auto two = replace(listen, probe());
        std::optional<ExitStatus> of_one;
        std::optional<ExitStatus> of_two;
        ASSERT_TRUE(wait_until(
            [&] {
                of_one = one->wait(milliseconds(0));
                of_two = two->wait(milliseconds(0));
                return of_one || of_two;
            },
            seconds(30)))
            << read_file(console);
        ASSERT_FALSE(of_one && of_two) << read_file(console);
        const auto loser = of_one ? of_one : of_two;
        // 69: it had the lock for a moment, and the port was the other one's.
        EXPECT_TRUE(loser == (ExitStatus{exit_running, 0}) || loser == (ExitStatus{0, 0}) ||
                    loser == (ExitStatus{exit_unavailable, 0}) || loser == (ExitStatus{0, SIGTERM}))
            << describe(*loser) << "\n"
            << read_file(console);
        EXPECT_TRUE(current->wait(seconds(15))) << read_file(console);
        current = std::move(of_one ? two : one);
        ASSERT_TRUE(wait_until(
            [&] {
                const auto now = status();
                return now.supervisor_pid == current->pid() && now.state == "running";
            },
            seconds(30)))
            << read_file(console);
    }
    stop(*current);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

// Whoever takes the lock between two holders does not get the sockets, and not in the way for long.
TEST_F(HandoverFault, StartsThatSlipInBetweenDoNotStopTheTakeover) {
    const Census census(mark, is_worker);
    auto current = run(listen, probe());
    ASSERT_TRUE(wait_for_starts(1));
    for (int round = 0; round < 5; ++round) {
        auto next = replace(listen, probe());
        std::vector<std::unique_ptr<Process>> others;
        ASSERT_TRUE(wait_until(
            [&] {
                if (others.size() < 40) others.push_back(run(listen, probe()));
                return current->wait(milliseconds(0)).has_value();
            },
            seconds(30)));
        for (auto& other : others)
            ASSERT_TRUE(other->wait(seconds(30))) << read_file(console);
        ASSERT_TRUE(wait_until([&] { return status().supervisor_pid == next->pid(); }, seconds(30)))
            << read_file(console);
        current = std::move(next);
    }
    stop(*current);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

}  // namespace
}  // namespace oneloop::test
