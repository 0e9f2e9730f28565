// A takeover with its sockets: no connection is refused while one supervisor replaces another.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <thread>

#include "tests/support/handover_fixture.h"

namespace oneloop::test {
namespace {

using Outcome = HttpReply::Outcome;

// Connects and asks all the time, each time anew.
class Clients {
  public:
    explicit Clients(int port)
        : port_(port), thread_([this] {
              while (!done_) {
                  ++outcomes_[http_get(port_, "/", seconds(60)).outcome];
                  ++requests_;
              }
          }) {}
    ~Clients() { finish(); }
    std::map<Outcome, int> finish() {
        done_ = true;
        if (thread_.joinable()) thread_.join();
        return outcomes_;
    }
    [[nodiscard]] int requests() const { return requests_; }

  private:
    int port_;
    std::map<Outcome, int> outcomes_;
    std::atomic<bool> done_{false};
    std::atomic<int> requests_{0};
    std::thread thread_;
};

class Handover : public HandoverFixture {
  protected:
    const std::vector<std::string> http = {"/usr/bin/python3", ONELOOP_HTTP_WORKER, log};
    static bool serves_http(const Seen& seen) {
        return seen.command.find("/usr/bin/python3 " ONELOOP_HTTP_WORKER) == 0;
    }

    // The inodes of the sockets that a process has: the same inode is the same socket.
    [[nodiscard]] static std::vector<std::string> sockets_of(pid_t pid) {
        std::vector<std::string> result;
        std::error_code ignored;
        const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
        for (const auto& fd : std::filesystem::directory_iterator(directory, ignored)) {
            const auto target = std::filesystem::read_symlink(fd, ignored).string();
            if (target.find("socket:") == 0) result.push_back(target);
        }
        return result;
    }
};

TEST_F(Handover, NoConnectionIsRefusedThroughFiveTakeovers) {
    const Census census(mark, serves_http);
    auto current = run(listen, http);
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    const std::string socket = listening_socket(port);
    ASSERT_NE(socket, "");
    Clients clients(port);
    for (int round = 2; round <= 6; ++round) {
        const int before = clients.requests();
        ASSERT_TRUE(wait_until([&] { return clients.requests() >= before + 20; }, seconds(30)));
        auto next = replace(listen, http);
        ASSERT_TRUE(wait_for_starts(round, seconds(30))) << read_file(console);
        EXPECT_EQ(current->wait(seconds(15)), (ExitStatus{0, 0})) << read_file(console);
        EXPECT_EQ(said("taking over: supervisor " + std::to_string(current->pid()) +
                       " stopped and handed over 1 socket"),
                  1)
            << read_file(console);
        EXPECT_EQ(listening_socket(port), socket) << "another socket";
        current = std::move(next);
    }
    const int before = clients.requests();
    EXPECT_TRUE(wait_until([&] { return clients.requests() >= before + 20; }, seconds(30)));
    auto outcomes = clients.finish();
    EXPECT_GE(outcomes[Outcome::answered], 120);
    EXPECT_EQ(outcomes[Outcome::refused], 0);
    EXPECT_EQ(outcomes[Outcome::reset], 0);
    EXPECT_EQ(outcomes[Outcome::timed_out], 0);
    EXPECT_EQ(outcomes[Outcome::broken], 0);
    RecordProperty("answered", outcomes[Outcome::answered]);
    stop(*current);
    EXPECT_EQ(logged("STOP"), 6);
    EXPECT_EQ(census.most(), 1U);
}

// The control socket can't be reached, so the holder is ended by a signal and the port is bound
// anew: the same measure sees it.
TEST_F(Handover, ControlWithoutTheHandoverConnectionsAreRefused) {
    const Census census(mark, serves_http);
    auto current = run(listen, http);
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    const std::string socket = listening_socket(port);
    Clients clients(port);
    ASSERT_TRUE(wait_until([&] { return clients.requests() >= 5; }, seconds(30)));
    ASSERT_TRUE(std::filesystem::remove(state + "/control.sock"));
    auto next = replace(listen, http);
    ASSERT_TRUE(wait_for_starts(2, seconds(30))) << read_file(console);
    EXPECT_EQ(current->wait(seconds(15)), (ExitStatus{0, SIGTERM}));
    EXPECT_EQ(said("it handed no socket over: connect "), 1) << read_file(console);
    EXPECT_NE(listening_socket(port), socket);
    auto outcomes = clients.finish();
    EXPECT_GT(outcomes[Outcome::refused] + outcomes[Outcome::reset], 0)
        << "the control did not fail, so the test above proves nothing";
    stop(*next);
    EXPECT_EQ(census.most(), 1U);
}

TEST_F(Handover, WhatIsHandedOverReachesTheWorkerAndNothingElseOfItDoes) {
    auto first = run({"--socket", "a=127.0.0.1:0", "--socket", "b=127.0.0.1:0"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    const auto before = status().sockets;
    ASSERT_EQ(before.size(), 2U);
    // Another order, one that is new, and one that is not wanted any more.
    auto next = replace({"--socket", "c=127.0.0.1:0", "--socket", "b=127.0.0.1:0"}, probe());
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(first->wait(seconds(15)), (ExitStatus{0, 0}));
    const auto after = status().sockets;
    ASSERT_EQ(after.size(), 2U);
    EXPECT_EQ(after[1].name, "b");
    EXPECT_EQ(after[1].address, before[1].address) << "port 0 keeps its port";
    EXPECT_EQ(after[1].fd, 4);
    EXPECT_EQ(said("socket b " + before[1].address + " was handed over and keeps its port"), 1);
    EXPECT_EQ(said("socket a " + before[0].address + " was handed over and is not asked for"), 1);
    const auto worker = living(mark, is_worker);
    ASSERT_EQ(worker.size(), 1U);
    auto handed = sockets_of(worker[0].pid);
    std::vector<std::string> expected;
    for (const auto& socket : after) {
        const auto colon = socket.address.find(':');
        expected.push_back(listening_socket(std::stoi(socket.address.substr(colon + 1))));
    }
    std::sort(handed.begin(), handed.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(handed, expected) << "the worker has these and no other socket";
    stop(*next);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_F(Handover, AnotherNameForTheSamePortIsBoundAnew) {
    auto first = run(listen, probe());
    ASSERT_TRUE(wait_for_starts(1));
    auto next = replace({"--socket", "web=127.0.0.1:" + std::to_string(port)}, probe());
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(first->wait(seconds(15)), (ExitStatus{0, 0}));
    stop(*next);
}

// Longer than a client of the control socket has for anything else.
TEST_F(Handover, AReleaseMayTakeAsLongAsAStop) {
    auto first =
        run({"--stop-timeout", "60s", "--socket", listen[1]}, probe({"--stop-takes", "11000"}));
    ASSERT_TRUE(wait_for_starts(1));
    auto next = replace({"--stop-timeout", "60s", "--socket", listen[1]}, probe());
    ASSERT_TRUE(waits_for_the_end(*first)) << read_file(console);
    EXPECT_EQ(status().state, "stopping") << "others are served meanwhile";
    ASSERT_TRUE(wait_for_starts(2, seconds(60))) << read_file(console);
    EXPECT_EQ(first->wait(seconds(15)), (ExitStatus{0, 0}));
    EXPECT_EQ(said("stopped and handed over 1 socket"), 1) << read_file(console);
    stop(*next);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_F(Handover, OfSeveralAskersTheFirstGetsThemAndTheOthersAreTold) {
    auto first = run(listen, probe({"--stop-takes", "1500"}));
    ASSERT_TRUE(wait_for_starts(1));
    ControlClient one(state);
    ControlClient two(state);
    one.send("{\"command\":\"release\"}\n");
    ASSERT_TRUE(waits_for_the_end(*first)) << read_file(console);
    two.send("{\"command\":\"release\"}\n");
    EXPECT_EQ(one.line(seconds(20)),
              R"({"ok":true,"sockets":[{"name":"http","host":"127.0.0.1","port":")" +
                  std::to_string(port) + R"(","address":"127.0.0.1:)" + std::to_string(port) +
                  R"("}]})");
    const std::string pid = std::to_string(::getpid());
    EXPECT_EQ(two.line(seconds(20)), R"({"ok":false,"error":"pid )" + pid +
                                         R"( takes over already","released_to":)" + pid + "}");
    EXPECT_EQ(first->wait(seconds(15)), (ExitStatus{0, 0}));
}

TEST_F(Handover, StatusAndDoctorSeeTheNewcomerAsAnyOther) {
    auto first = run(listen, probe());
    ASSERT_TRUE(wait_for_starts(1));
    auto next = replace(listen, probe());
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(first->wait(seconds(15)), (ExitStatus{0, 0}));
    for (const char* command : {"status", "why", "ps"}) {
        auto asked = start({ONELOOP_SUPERVISOR, command, "--state-dir", state});
        EXPECT_EQ(asked.wait(seconds(20)), (ExitStatus{0, 0})) << read_file(console);
    }
    EXPECT_EQ(said("127.0.0.1:" + std::to_string(port) + " -> fd 3"), 3) << read_file(console);
    std::vector<std::string> doctor = {ONELOOP_SUPERVISOR, "doctor", "--"};
    for (const auto& argument : probe())
        doctor.push_back(argument);
    auto looked = start(doctor);
    EXPECT_TRUE(looked.wait(seconds(30))) << read_file(console);
    EXPECT_EQ(said("pid " + std::to_string(next->pid()) + " keeps"), 0) << read_file(console);
    EXPECT_FALSE(next->wait(milliseconds(0)));
    stop(*next);
}

}  // namespace
}  // namespace oneloop::test
