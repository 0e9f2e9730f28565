// The case it all began with, on Debian's Flask: the unmodified program alone polls twice, under
// the supervisor once; requests during a reload wait and are answered.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <sstream>
#include <thread>

#include "tests/support/http_client.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

// When each process polled: first and last time, by the time it started.
struct Polls {
    std::map<long long, std::pair<long long, long long>> by_process;
    int lines = 0;
};

Polls read_polls(const std::string& path) {
    Polls polls;
    std::istringstream text(read_file(path));
    std::string line;
    while (std::getline(text, line)) {
        long long process = 0;
        long long at = 0;
        if (std::sscanf(line.c_str(), "POLL process=%lld at=%lld", &process, &at) != 2) continue;
        ++polls.lines;
        auto [entry, added] = polls.by_process.try_emplace(process, at, at);
        entry->second.second = at;
    }
    return polls;
}

bool overlap(const Polls& polls) {
    for (const auto& [a, x] : polls.by_process) {
        for (const auto& [b, y] : polls.by_process) {
            if (a < b && std::max(x.first, y.first) <= std::min(x.second, y.second)) return true;
        }
    }
    return false;
}

class Flask : public SupervisorFixture {
  protected:
    Flask() {
        write_file(source, read_file(ONELOOP_FLASK_APP));
        ::setenv("POLL_LOG", polls.c_str(), 1);
        ::setenv("PORT", std::to_string(port).c_str(), 1);
    }

    // Debian's python3 with Debian's flask.
    const std::vector<std::string> app = {"/usr/bin/python3", "app.py"};

    [[nodiscard]] Process supervise_flask(std::vector<std::string> options,
                                          const std::vector<std::string>& command) const {
        options.insert(options.end(), {"--flask", "--socket", "127.0.0.1:" + std::to_string(port)});
        return supervise(options, command);
    }

    [[nodiscard]] bool serves(const std::string& text) const {
        return wait_until(
            [&] {
                const auto reply = http_get(port, "/");
                return reply.ok() && reply.body.find(text) == 0;
            },
            seconds(20));
    }

    void edit(int version) const {
        vary_the_moment(version);
        std::string text = read_file(ONELOOP_FLASK_APP);
        const std::string old = "version 1";
        text.replace(text.find(old), old.size(), "version " + std::to_string(version));
        write_file(source + ".new", text);
        ASSERT_EQ(std::rename((source + ".new").c_str(), source.c_str()), 0);
    }

    std::string polls = dir.file("polls");
    int port = free_port();
};

TEST_F(Flask, ControlAloneTheUnmodifiedProgramPollsTwice) {
    auto alone = start(app);
    ASSERT_TRUE(serves("version 1"));
    EXPECT_TRUE(wait_until([&] { return read_polls(polls).by_process.size() == 2; }, seconds(20)));
    EXPECT_TRUE(wait_until([&] { return overlap(read_polls(polls)); }, seconds(20)));
    leftovers_expected = true;
}

TEST_F(Flask, UnderTheSupervisorItPollsOnceThroughTenEdits) {
    auto supervisor = supervise_flask({"--watch"}, app);
    for (int version = 1; version <= 10; ++version) {
        ASSERT_TRUE(serves("version " + std::to_string(version) + " ")) << read_file(console);
        // One poller for as long as it takes to poll ten times.
        const int before = read_polls(polls).lines;
        ASSERT_TRUE(
            wait_until([&] { return read_polls(polls).lines >= before + 10; }, seconds(10)));
        edit(version + 1);
    }
    ASSERT_TRUE(serves("version 11 "));
    stop(supervisor);
    const auto seen = read_polls(polls);
    EXPECT_EQ(seen.by_process.size(), 11U);
    EXPECT_FALSE(overlap(seen));
    EXPECT_EQ(said("crashed"), 0) << read_file(console);
}

TEST_F(Flask, RequestsDuringAReloadWaitAndAreAnswered) {
    auto supervisor = supervise_flask({"--watch"}, app);
    ASSERT_TRUE(serves("version 1"));
    std::atomic<bool> done{false};
    std::atomic<int> answered{0};
    std::map<HttpReply::Outcome, int> outcomes;
    std::thread client([&] {
        while (!done) {
            const auto outcome = http_get(port, "/", seconds(20)).outcome;
            ++outcomes[outcome];
            answered += outcome == HttpReply::Outcome::answered ? 1 : 0;
        }
    });
    for (int version = 2; version <= 6; ++version) {
        edit(version);
        const int before = answered;
        EXPECT_TRUE(serves("version " + std::to_string(version))) << read_file(console);
        EXPECT_TRUE(wait_until([&] { return answered >= before + 5; }, seconds(20)));
    }
    done = true;
    client.join();
    EXPECT_GE(outcomes[HttpReply::Outcome::answered], 25);
    // A request that Werkzeug was answering when it was told to stop is lost; none that waited is.
    EXPECT_LE(outcomes[HttpReply::Outcome::reset], 5);
    EXPECT_EQ(outcomes[HttpReply::Outcome::refused], 0);
    EXPECT_EQ(outcomes[HttpReply::Outcome::timed_out], 0);
    RecordProperty("answered", outcomes[HttpReply::Outcome::answered]);
    RecordProperty("reset", outcomes[HttpReply::Outcome::reset]);
    std::printf("answered %d, reset %d, refused %d\n", outcomes[HttpReply::Outcome::answered],
                outcomes[HttpReply::Outcome::reset], outcomes[HttpReply::Outcome::refused]);
    stop(supervisor);
}

TEST_F(Flask, ControlWithoutTheHeldSocketRequestsAreRefused) {
    // The program opens the port itself, so between two workers nobody listens.
    auto supervisor =
        supervise({"--watch"}, {"/usr/bin/python3", "-c",
                                "import runpy, os\n"
                                "import flask\n"
                                "run = flask.Flask.run\n"
                                "flask.Flask.run = lambda self, **o: run(self, **{**o, "
                                "'debug': False})\n"
                                "runpy.run_path('app.py', run_name='__main__')"});
    ASSERT_TRUE(serves("version 1"));
    int refused = 0;
    edit(2);
    EXPECT_TRUE(wait_until(
        [&] {
            const auto reply = http_get(port, "/", seconds(20));
            refused += reply.outcome == HttpReply::Outcome::refused ? 1 : 0;
            return reply.ok() && reply.body.find("version 2") == 0;
        },
        seconds(20)));
    EXPECT_GT(refused, 0) << "the control did not fail, so the test above proves nothing";
    stop(supervisor);
}

// Without --watch Flask's own reloader watches and exits with 3.
TEST_F(Flask, ItsOwnReloaderExitsWithThreeAndIsStartedAgain) {
    auto supervisor = supervise_flask({}, app);
    ASSERT_TRUE(serves("version 1"));
    edit(2);
    ASSERT_TRUE(serves("version 2")) << read_file(console);
    EXPECT_EQ(said("asked for a restart (exit 3); restarting"), 1) << read_file(console);
    stop(supervisor);
    const auto seen = read_polls(polls);
    EXPECT_EQ(seen.by_process.size(), 2U);
    EXPECT_FALSE(overlap(seen));
}

TEST_F(Flask, FlaskRunWithoutReloaderWorksToo) {
    auto supervisor = supervise_flask(
        {"--watch"}, {"/usr/bin/python3", "-m", "flask", "--app", "app", "run", "--no-reload"});
    ASSERT_TRUE(serves("version 1")) << read_file(console);
    edit(2);
    ASSERT_TRUE(serves("version 2")) << read_file(console);
    stop(supervisor);
    EXPECT_FALSE(overlap(read_polls(polls)));
}

// A thread that is no daemon keeps Python from exiting; the stop timeout ends it.
TEST_F(Flask, AThreadThatIsNoDaemonDoesNotHoldUpAReloadForLong) {
    std::string text = read_file(source);
    const std::string daemon = ", daemon=True";
    text.erase(text.find(daemon), daemon.size());
    write_file(source, text);
    auto supervisor = supervise_flask({"--watch"}, app);
    ASSERT_TRUE(serves("version 1"));
    text.replace(text.find("version 1"), 9, "version 2");
    write_file(source, text);
    ASSERT_TRUE(serves("version 2")) << read_file(console);
    stop(supervisor);
    EXPECT_FALSE(overlap(read_polls(polls)));
}

}  // namespace
}  // namespace oneloop::test
