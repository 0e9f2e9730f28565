// Random schedules of everything that can go wrong between a showtime and its alert, and the
// promises I1 to I7 after each. The seed of one that breaks is printed: ONELOOP_SCHEDULE_SEED runs
// it alone. ONELOOP_SCHEDULES: how many.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "tests/support/alert_world.h"
#include "tests/support/rounds.h"

namespace oneloop::test {
namespace {

constexpr int steps = 40;

// On a disk of memory: what is tested is what is written, and not how long a disk takes for it.
const bool in_memory = [] {
    return ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 1) == 0;
}();

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += line + "\n";
    return text;
}

TEST(AlertSchedules, EverySeedKeepsEveryPromise) {
    const int alone = rounds("ONELOOP_SCHEDULE_SEED", 0);
    const int count = alone ? 1 : rounds("ONELOOP_SCHEDULES", 100);
    std::size_t events = 0, messages = 0, doubtful = 0, requests = 0, refused = 0;
    for (int i = 1; i <= count; ++i) {
        const int seed = alone ? alone : i;
        const AlertRun run = AlertWorld(static_cast<std::uint32_t>(seed)).run(steps);
        const auto broken = broken_promises(run);
        ASSERT_TRUE(broken.empty()) << "seed " << seed << "\n" << joined(broken);
        events += run.events.size();
        messages += run.accepted.size();
        doubtful += run.doubtful.size();
        requests += run.requests.size();
        refused += run.refused.size();
    }
    std::printf("%d schedules: %zu requests, %zu events, %zu messages, %zu of them in doubt\n",
                count, requests, events, messages, doubtful);
    // A schedule in which nothing happens keeps every promise too.
    const auto least = static_cast<std::size_t>(count);
    EXPECT_GT(events, 5 * least);
    EXPECT_GT(messages, 3 * least);
    EXPECT_GT(doubtful, least / 4);
    EXPECT_GT(refused, least);
}

// Names of the promises that the first seeds break, until all of `wanted` are among them.
std::set<std::string> broken_by(AlertFlaws flaws, const std::set<std::string>& wanted) {
    std::set<std::string> broken;
    for (std::uint32_t seed = 1; seed <= 10; ++seed) {
        for (const std::string& line : broken_promises(AlertWorld(seed, flaws).run(steps)))
            broken.insert(line.substr(0, 2));
        if (std::includes(broken.begin(), broken.end(), wanted.begin(), wanted.end())) break;
    }
    return broken;
}

TEST(AlertSchedulesControl, SendThenNoteDoublesAndTellsNobody) {
    EXPECT_TRUE(broken_by({.notes_afterwards = true}, {"I2"}).contains("I2"));
}

TEST(AlertSchedulesControl, NoteThenSendLosesAlerts) {
    EXPECT_TRUE(broken_by({.marks_before = true}, {"I1"}).contains("I1"));
}

// As the program that this one replaces ran.
TEST(AlertSchedulesControl, TwoLoopsAskTwiceAndInterleave) {
    const std::set<std::string> wanted = {"I2", "I3", "I4"};
    const auto broken = broken_by({.two_loops = true}, wanted);
    EXPECT_TRUE(std::includes(broken.begin(), broken.end(), wanted.begin(), wanted.end()));
}

// The checker itself, with a run in which each promise is broken in turn.
TEST(AlertSchedulesControl, EachPromiseIsMissedWhenItIsBroken) {
    const auto sound = [] {
        AlertRun run;
        run.channels = {"x"};
        run.requests = {{1, 1, "a"}, {1, 1, "b"}, {2, 2, "a"}};
        run.events = {{"e1", "opened", "show-1."}};
        run.listed = {"show-1."};
        run.refused = {"ghost-1."};
        run.accepted["k"] = {{"x", "new show-1. e1"}};
        return run;
    };
    EXPECT_EQ(joined(broken_promises(sound())), "");
    const auto first = [](const AlertRun& run) {
        const auto broken = broken_promises(run);
        return broken.empty() ? std::string() : broken[0].substr(0, 2);
    };
    AlertRun run = sound();
    run.accepted.clear();
    EXPECT_EQ(first(run), "I1");
    run = sound();
    run.accepted["k"].push_back(run.accepted["k"][0]);
    EXPECT_EQ(first(run), "I2") << "a copy that nobody was told of";
    run.doubtful = {"k"};
    EXPECT_EQ(first(run), "");
    run.accepted["k"][1].payload += "!";
    EXPECT_EQ(first(run), "I2") << "other bytes";
    run = sound();
    run.accepted["other"] = run.accepted["k"];
    EXPECT_EQ(first(run), "I2") << "in two messages";
    run = sound();
    run.requests.push_back({2, 2, "a"});
    EXPECT_EQ(first(run), "I3");
    run = sound();
    run.requests.push_back({1, 3, "a"});
    EXPECT_EQ(first(run), "I4");
    run = sound();
    run.listed.insert("show-2.");
    EXPECT_EQ(first(run), "I5");
    run = sound();
    run.open = 1;
    EXPECT_EQ(first(run), "I6");
    run = sound();
    run.accepted["k"][0].payload += "ghost-1.";
    EXPECT_EQ(first(run), "I7");
}

}  // namespace
}  // namespace oneloop::test
