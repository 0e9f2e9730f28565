// --down: what clients get while the worker has crashed and none starts: an answer at once, a wait,
// or a refusal. While a worker is only being replaced they wait in every mode.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <map>
#include <thread>

#include "common/unique_fd.h"
#include "tests/support/http_client.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

using Outcome = HttpReply::Outcome;
using Clock = std::chrono::steady_clock;

class DownMode : public SupervisorFixture {
  protected:
    static constexpr const char* crashes = "exit 7\n";
    const std::string serves = std::string("/usr/bin/python3 -c 'import os; open(\"") + log +
                               "\", \"a\").write(f\"BLOCKING {os.get_blocking(3)}\\n\")'\n" +
                               "exec /usr/bin/python3 " ONELOOP_HTTP_WORKER " " + log + "\n";

    [[nodiscard]] Process run(const std::string& how, const std::string& script,
                              std::vector<std::string> more = {"--watch", "--on-crash",
                                                               "wait"}) const {
        edit(script);
        more.insert(more.end(), {"--socket", "127.0.0.1:" + std::to_string(port), "--down", how});
        return supervise(more, {"/bin/sh", "app.py"});
    }
    void edit(const std::string& script) const {
        write_file(source + ".new", script);
        ASSERT_EQ(std::rename((source + ".new").c_str(), source.c_str()), 0);
    }
    [[nodiscard]] bool crashed() const {
        return wait_until([&] { return said("crashed: exit 7") > 0; }, seconds(20));
    }
    [[nodiscard]] bool answers(int status) const {
        return wait_until([&] { return http_get(port, "/").status == status; }, seconds(20));
    }
    // Connects and says nothing.
    [[nodiscard]] UniqueFd silent_client() const {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
                  0);
        return fd;
    }

    int port = free_port();
};

TEST_F(DownMode, ACrashedWorkerIsA503AtOnceAndTheNextOneServes) {
    auto supervisor = run("503", crashes);
    ASSERT_TRUE(crashed()) << read_file(console);
    auto fastest = Clock::duration::max();
    for (int i = 0; i < 20; ++i) {
        const auto before = Clock::now();
        const auto reply = http_get(port, "/");
        fastest = std::min(fastest, Clock::now() - before);
        ASSERT_EQ(reply.status, 503) << i;
        EXPECT_NE(reply.headers.find("Retry-After: 5"), std::string::npos) << reply.headers;
        EXPECT_NE(reply.body.find("crashed: exit 7"), std::string::npos) << reply.body;
    }
    EXPECT_LT(fastest, milliseconds(100));
    edit(serves);
    EXPECT_TRUE(answers(200)) << read_file(console);
    EXPECT_EQ(logged("BLOCKING True"), 1) << "the worker gets the socket as it is promised";
    stop(supervisor);
}

TEST_F(DownMode, ControlHeldTheyWait) {
    auto supervisor = run("hold", crashes);
    ASSERT_TRUE(crashed()) << read_file(console);
    EXPECT_EQ(http_get(port, "/", milliseconds(500)).outcome, Outcome::timed_out);
    std::thread waiting([&] { EXPECT_EQ(http_get(port, "/", seconds(30)).status, 200); });
    edit(serves);
    waiting.join();
    stop(supervisor);
}

TEST_F(DownMode, RefusedTheyKnowAtOnceAndThePortStaysOurs) {
    auto supervisor = run("refuse", crashes);
    ASSERT_TRUE(crashed()) << read_file(console);
    EXPECT_TRUE(wait_until(
        [&] { return http_get(port, "/", seconds(1)).outcome == Outcome::refused; }, seconds(5)));
    edit(serves);
    EXPECT_TRUE(answers(200)) << read_file(console);
    EXPECT_EQ(said("listen again"), 0) << read_file(console);
    stop(supervisor);
}

TEST_F(DownMode, WhileADelayPassesTheyAreToldHowLong) {
    auto supervisor = run("503", crashes, {});
    ASSERT_TRUE(crashed()) << read_file(console);
    std::string headers;
    EXPECT_TRUE(wait_until(
        [&] {
            const auto reply = http_get(port, "/");
            headers = reply.headers;
            return reply.status == 503 && reply.body.find("restarting in") != std::string::npos;
        },
        seconds(10)));
    EXPECT_NE(headers.find("Retry-After: "), std::string::npos);
    EXPECT_EQ(headers.find("Retry-After: 0"), std::string::npos);
    edit(serves);
    EXPECT_TRUE(answers(200)) << "started by itself\n" << read_file(console);
    stop(supervisor);
}

TEST_F(DownMode, DuringARestartTheyWaitInEveryMode) {
    for (const char* how : {"503", "refuse"}) {
        auto supervisor = run(how, serves);
        ASSERT_TRUE(answers(200)) << read_file(console);
        std::atomic<bool> done{false};
        std::atomic<int> requests{0};
        std::map<std::pair<Outcome, int>, int> seen;
        std::thread client([&] {
            while (!done) {
                const auto reply = http_get(port, "/", seconds(30));
                ++seen[{reply.outcome, reply.status}];
                ++requests;
            }
        });
        for (int round = 0; round < 5; ++round) {
            const int before = requests;
            edit(serves + "# " + std::to_string(round) + "\n");
            EXPECT_TRUE(wait_until([&] { return requests >= before + 3; }, seconds(30)));
        }
        done = true;
        client.join();
        EXPECT_EQ(seen.size(), 1U);
        EXPECT_GT((seen[{Outcome::answered, 200}]), 0) << how;
        stop(supervisor);
    }
}

TEST_F(DownMode, ClientsThatAreGoneBeforeTheirAnswerEndNobody) {
    auto supervisor = run("503", crashes);
    ASSERT_TRUE(crashed()) << read_file(console);
    const std::string request = "GET / HTTP/1.1\r\n\r\n";
    const linger at_once{1, 0};  // closed with a reset, socket(7)
    for (int i = 0; i < 200; ++i) {
        const UniqueFd client = silent_client();
        ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        EXPECT_GT(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
    }
    EXPECT_TRUE(answers(503)) << read_file(console);
    EXPECT_FALSE(supervisor.wait(milliseconds(0)));
    stop(supervisor);
}

// 64 are served at a time, a second each.
TEST_F(DownMode, SilentClientsHoldUpNeitherOthersForLongNorTheNextWorker) {
    auto supervisor = run("503", crashes);
    ASSERT_TRUE(crashed()) << read_file(console);
    ASSERT_TRUE(answers(503));
    std::vector<UniqueFd> silent;
    for (int i = 0; i < 100; ++i)
        silent.push_back(silent_client());
    EXPECT_EQ(http_get(port, "/", seconds(20)).status, 503);
    for (int i = 0; i < 60; ++i)
        silent.push_back(silent_client());
    edit(serves.substr(0, serves.find("exec")) +
         "exec /usr/bin/python3 -c '\n"
         "import socket\n"
         "s = socket.socket(fileno=3)\n"
         "while True:\n"
         "    c, _ = s.accept()\n"
         "    c.settimeout(0.2)\n"
         "    try:\n"
         "        c.recv(4096)\n"
         "        c.sendall(b\"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n\")\n"
         "    except OSError: pass\n"
         "    c.close()'\n");
    EXPECT_TRUE(answers(200)) << read_file(console);
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
