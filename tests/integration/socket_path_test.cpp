// --socket unix:PATH through a whole run: served, kept over restarts and takeovers, gone at the
// end, replaced when its owner was killed, refused while its owner lives.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <thread>

#include "tests/support/handover_fixture.h"

namespace oneloop::test {
namespace {

using Outcome = HttpReply::Outcome;

class SocketPath : public HandoverFixture {
  protected:
    const std::vector<std::string> http = {"/usr/bin/python3", ONELOOP_HTTP_WORKER, log};
    const std::string path = dir.file("web.sock");
    const std::vector<std::string> at_path = {"--socket", "unix:" + path};

    [[nodiscard]] bool serves(const std::string& generation) const {
        return wait_until([&] { return http_get_at(path, "/").body == generation; }, seconds(20));
    }
    [[nodiscard]] bool exists() const { return std::filesystem::exists(path); }
};

TEST_F(SocketPath, IsServedThroughARestartAndGoneAtTheEnd) {
    auto supervisor = run(at_path, http);
    ASSERT_TRUE(serves("1")) << read_file(console);
    EXPECT_EQ(said("socket http unix:" + path + " -> fd 3"), 1) << read_file(console);
    std::atomic<bool> done{false};
    std::map<Outcome, int> outcomes;
    std::thread client([&] {
        while (!done)
            ++outcomes[http_get_at(path, "/", seconds(30)).outcome];
    });
    supervisor->signal(SIGUSR1);
    EXPECT_TRUE(serves("2")) << read_file(console);
    done = true;
    client.join();
    EXPECT_GT(outcomes[Outcome::answered], 0);
    EXPECT_EQ(outcomes.size(), 1U) << "something else than an answer";
    EXPECT_TRUE(exists());
    stop(*supervisor);
    EXPECT_FALSE(exists());
}

TEST_F(SocketPath, OfAKilledSupervisorIsReplaced) {
    auto supervisor = run(at_path, http);
    ASSERT_TRUE(serves("1")) << read_file(console);
    supervisor->signal(SIGKILL);
    ASSERT_TRUE(supervisor->wait(seconds(10)));
    ASSERT_TRUE(wait_until([&] { return http_get_at(path, "/").outcome == Outcome::refused; },
                           seconds(10)));
    ASSERT_TRUE(exists()) << "nobody was there to remove it, so there is something to replace";
    auto next = run(at_path, http);
    EXPECT_TRUE(serves("2")) << read_file(console);
    stop(*next);
    EXPECT_FALSE(exists());
}

TEST_F(SocketPath, OfALiveOneIsRefusedWithItsHolder) {
    auto supervisor = run(at_path, http);
    ASSERT_TRUE(serves("1")) << read_file(console);
    auto other = start({ONELOOP_SUPERVISOR, "--socket", "unix:" + path, "--state-dir",
                        dir.file("other"), "--", "sleep", "60"});
    EXPECT_EQ(other.wait(seconds(20)), (ExitStatus{69, 0}));
    EXPECT_EQ(said("cannot listen on unix:" + path + ": Address already in use (held by pid "), 1)
        << read_file(console);
    EXPECT_TRUE(serves("1")) << "the path is still the first one's";
    stop(*supervisor);
}

TEST_F(SocketPath, IsHandedOverInATakeover) {
    auto first = run(at_path, http);
    ASSERT_TRUE(serves("1")) << read_file(console);
    auto next = replace(at_path, http);
    ASSERT_TRUE(serves("2")) << read_file(console);
    EXPECT_EQ(first->wait(seconds(15)), (ExitStatus{0, 0}));
    EXPECT_EQ(said("stopped and handed over 1 socket"), 1) << read_file(console);
    EXPECT_TRUE(serves("2")) << "who ended did not take the path with it";
    auto without = replace({}, {"/usr/bin/python3", "-c", "import signal; signal.pause()"});
    EXPECT_TRUE(wait_until([&] { return !exists(); }, seconds(20))) << read_file(console);
    EXPECT_EQ(next->wait(seconds(15)), (ExitStatus{0, 0}));
    stop(*without);
}

}  // namespace
}  // namespace oneloop::test
