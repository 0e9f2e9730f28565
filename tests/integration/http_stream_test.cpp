// What takes a while over HTTP: streams, and answers made on another thread. Nobody waits for
// anybody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/http_site.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using HttpStreamTest = test::HttpSiteTest;

const char* const get_stream = "GET /stream HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1\r\n\r\n";

TEST_F(HttpStreamTest, AStreamSaysWhatHappensFromWhereItWas) {
    start();
    site_.happen("one\n");
    site_.happen("two\n");
    const UniqueFd fd = connect();
    say(fd, get_stream);
    std::string heard = hear(fd, "two\n");
    EXPECT_THAT(heard, HasSubstr("text/event-stream"));
    EXPECT_THAT(heard, HasSubstr("X-Dressed: yes"));
    EXPECT_THAT(heard, testing::EndsWith("hello\ntwo\n"));
    site_.happen("three\n");
    EXPECT_EQ(hear(fd, "three\n"), "three\n");
}

TEST_F(HttpStreamTest, AStreamIsAliveInSilenceAndGoneWithItsClient) {
    ServerLimits limits;
    limits.heartbeat = 1ms;
    start(limits);
    {
        const UniqueFd fd = connect();
        say(fd, get_stream);
        EXPECT_THAT(hear(fd, ":\n\n"), testing::EndsWith(":\n\n"));
        ASSERT_EQ(test::http_get(port_, "/status").code, 200);
        EXPECT_EQ(site_.streams_, 1U);
    }
    EXPECT_TRUE(test::wait_until(
        [&] { return test::http_get(port_, "/status").code == 200 && site_.streams_ == 0; }, 10s));
}

TEST_F(HttpStreamTest, AClientThatReadsNothingHoldsNobody) {
    ServerLimits limits;
    limits.request = 1s;
    start(limits);
    const UniqueFd deaf = connect();
    say(deaf, get_stream);
    EXPECT_THAT(hear(deaf, "hello\n"), HasSubstr("hello"));
    const UniqueFd other = connect();
    say(other, get_stream);
    (void)hear(other, "hello\n");
    const std::string big(100'000, 'x');
    for (int i = 0; i < 202; ++i)  // get_stream has seen the first one
        site_.happen(big + "\n");
    site_.happen("last\n");
    // 20 MB: more than the kernel keeps for the one that does not read.
    std::string end;
    std::size_t all = 0;
    std::vector<char> buffer(1 << 20);
    while (!end.ends_with("last\n")) {
        const ssize_t size = ::recv(other.get(), buffer.data(), buffer.size(), 0);
        if (size <= 0) break;
        all += static_cast<std::size_t>(size);
        end = (end + std::string(buffer.data(), static_cast<std::size_t>(size)));
        if (end.size() > 5) end.erase(0, end.size() - 5);
    }
    EXPECT_EQ(end, "last\n");
    EXPECT_GT(all, 20'000'000U);
    EXPECT_TRUE(test::wait_until(
        [&] { return test::http_get(port_, "/status").code == 200 && site_.streams_ == 1; }, 10s));
}

TEST_F(HttpStreamTest, StreamsEndAtOnceWithTheServer) {
    start();
    const UniqueFd fd = connect();
    say(fd, get_stream);
    (void)hear(fd, "hello\n");
    EXPECT_LT(stop(), 100ms);
    EXPECT_EQ(hear(fd), "");
}

TEST_F(HttpStreamTest, ASlowAnswerHoldsNobodyAndComesAlone) {
    start();
    const UniqueFd fd = connect();
    say(fd, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(test::wait_until([&] { return site_.slow_ == 1; }, 10s));
    EXPECT_EQ(test::http_get(port_, "/status").code, 200);
    EXPECT_EQ(test::http_get(port_, "/slow").code, 429);
    site_.go_ = true;
    EXPECT_THAT(hear(fd, "{}\n"), HasSubstr("200 OK"));
    EXPECT_EQ(test::http_get(port_, "/slow").code, 200);
}

TEST_F(HttpStreamTest, AStopEndsASlowAnswer) {
    start();
    const UniqueFd fd = connect();
    say(fd, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(test::wait_until([&] { return site_.slow_ == 1; }, 10s));
    const auto began = Steady::now();
    stop();
    server_.reset();
    EXPECT_LT(Steady::now() - began, 2s);
}

}  // namespace
}  // namespace oneloop::worker
