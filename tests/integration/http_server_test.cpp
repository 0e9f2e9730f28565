// The HTTP server on a real socket: limits, time-outs, and how it stops.
#include "worker/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <thread>
#include <vector>

#include "tests/support/http_site.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using HttpServerTest = test::HttpSiteTest;

using test::get_status;

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
    start();
    const UniqueFd fd = connect();
    for (int i = 0; i < 3; ++i) {
        say(fd, get_status);
        const std::string reply = hear(fd, "}}\n");
        EXPECT_THAT(reply, testing::StartsWith("HTTP/1.1 200"));
        EXPECT_THAT(reply, HasSubstr("Access-Control-Allow-Origin: *"));
        EXPECT_THAT(reply, HasSubstr("\"lastCheck\":null"));
    }
}

TEST_F(HttpServerTest, PipelinedRequestsAreAllAnswered) {
    start();
    const UniqueFd fd = connect();
    say(fd, std::string(get_status) + get_status + "GET /x HTTP/1.1\r\nConnection: close\r\n\r\n");
    const std::string reply = hear(fd);
    EXPECT_THAT(reply, HasSubstr("404 Not Found"));
    const auto first = reply.find("200 OK");
    EXPECT_NE(reply.find("200 OK", first + 1), std::string::npos);
}

TEST_F(HttpServerTest, ErrorsAreJson) {
    start();
    const auto expect = [&](const std::string& request, int code) {
        const test::Reply reply = test::http_raw(port_, request);
        EXPECT_EQ(reply.code, code) << request.substr(0, 60);
        EXPECT_THAT(reply.body, testing::StartsWith(R"({"error":{"code":")"));
        EXPECT_THAT(reply.head, HasSubstr("application/json"));
    };
    expect("GET /x HTTP/1.1\r\nConnection: close\r\n\r\n", 404);
    expect("DELETE /status HTTP/1.1\r\nConnection: close\r\n\r\n", 405);
    expect("BREW /status HTTP/1.1\r\nConnection: close\r\n\r\n", 405);
    expect("POST /status HTTP/1.1\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc", 405);
    expect("POST /status HTTP/1.1\r\nContent-Length: 300000\r\n\r\nabc", 413);
    expect("GET /status HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413);
    expect("GET / HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", 431);
    expect("\x16\x03\x01 this is TLS\r\n\r\n", 400);
    expect("hello\r\n\r\n", 400);
}

TEST_F(HttpServerTest, HeadHasNoBody) {
    start();
    const test::Reply reply =
        test::http_raw(port_, "HEAD /status HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(reply.code, 200);
    EXPECT_EQ(reply.body, "");
    EXPECT_THAT(reply.head, HasSubstr("Content-Length: "));
}

TEST_F(HttpServerTest, ASlowRequestIsCutOff) {
    ServerLimits limits;
    limits.request = 100ms;
    start(limits);
    const UniqueFd fd = connect();
    say(fd, "GET /sta");
    const auto began = Steady::now();
    EXPECT_EQ(hear(fd), "");
    EXPECT_LT(Steady::now() - began, 2s);
}

TEST_F(HttpServerTest, MoreConnectionsThanAllowedWaitTheirTurn) {
    ServerLimits limits;
    limits.connections = 2;
    start(limits);
    std::vector<UniqueFd> crowd;
    for (int i = 0; i < 2; ++i) {
        crowd.push_back(connect());
        say(crowd.back(), get_status);
        EXPECT_NE(hear(crowd.back(), "}}\n"), "");
    }
    const UniqueFd third = connect();
    say(third, get_status);
    crowd.clear();
    EXPECT_THAT(hear(third, "}}\n"), HasSubstr("200 OK"));
}

TEST_F(HttpServerTest, RunningOutOfDescriptorsEndsNothing) {
    start();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const UniqueFd fd = connect();  // accepted below, when there are descriptors again
    say(fd, get_status);
    EXPECT_NE(hear(fd, "}}\n"), "");
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    std::vector<UniqueFd> hoard;
    rlimit small = before;
    small.rlim_cur = 64;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
    for (UniqueFd next(::dup(0)); next; next = UniqueFd(::dup(0)))
        hoard.push_back(std::move(next));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    say(client, get_status);
    say(fd, get_status);
    EXPECT_NE(hear(fd, "}}\n"), "");  // who was there is still served
    hoard.clear();
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_NE(hear(client, "}}\n"), "");
}

TEST_F(HttpServerTest, StopsAtOnceWithIdleAndSilentConnections) {
    start();
    const UniqueFd idle = connect();
    say(idle, get_status);
    EXPECT_NE(hear(idle, "}}\n"), "");
    EXPECT_LT(stop(), 50ms);
    EXPECT_EQ(hear(idle), "");

    start();
    const UniqueFd silent = connect();
    const UniqueFd other = connect();
    say(other, get_status);
    EXPECT_NE(hear(other, "}}\n"), "");  // accepted after `silent`, so that one is accepted too
    EXPECT_LT(stop(), 100ms);
}

TEST_F(HttpServerTest, ARequestAcceptedBeforeTheStopIsAnswered) {
    ServerLimits limits;
    limits.stop = 5s;
    start(limits);
    const UniqueFd late = connect();
    const UniqueFd other = connect();
    say(other, get_status);
    EXPECT_NE(hear(other, "}}\n"), "");
    server_->stop();
    ASSERT_TRUE(test::wait_until([&] { return !connect(); }, 5s));  // the listener is closed
    say(late, get_status);
    const std::string reply = hear(late);
    EXPECT_THAT(reply, HasSubstr("200 OK"));
    EXPECT_THAT(reply, HasSubstr("Connection: close"));
    thread_.join();
}

TEST_F(HttpServerTest, EveryAnswerIsDressed) {
    start();
    for (const char* request :
         {"GET /status HTTP/1.1\r\nConnection: close\r\n\r\n", "hello\r\n\r\n"})
        EXPECT_THAT(test::http_raw(port_, request).head, HasSubstr("X-Dressed: yes"));
}

TEST_F(HttpServerTest, ManyAtOnce) {
    start();
    std::vector<std::thread> clients;
    std::atomic<int> good{0};
    for (int i = 0; i < 16; ++i) {
        clients.emplace_back([&] {
            for (int n = 0; n < 25; ++n)
                good += test::http_get(port_, "/status").code == 200;
        });
    }
    for (auto& client : clients)
        client.join();
    EXPECT_EQ(good, 400);
}

}  // namespace
}  // namespace oneloop::worker
