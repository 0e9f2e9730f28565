// readiness_probe: against a listening socket that the test serves as a worker would, or does not.
#include "supervisor/readiness_probe.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "supervisor/sockets.h"

namespace oneloop {
namespace {

using By = ReadySpec::By;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ReadinessProbeTest : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        auto opened = listen_on({"http", GetParam(), "0"});
        if (!opened) GTEST_SKIP() << "no such address here: " << opened.error().what;
        listening = std::move(*opened);
    }

    void probe(const ReadySpec& spec) {
        asked.emplace(io, listening.fd.get(), spec, [this] { ++answers; });
        asked->start();
    }

    template <class Condition>
    bool run_until(Condition condition, milliseconds limit = seconds(20)) {
        const auto end = Steady::now() + limit;
        while (!condition() && Steady::now() < end)
            io.run_one_for(milliseconds(20));
        return condition();
    }
    // Nothing happens for a moment: the subject of a test, not a guess at how long something takes.
    void run_for_a_while() {
        run_until([] { return false; }, milliseconds(300));
    }

    bool somebody_waits() {
        pollfd queue{listening.fd.get(), POLLIN, 0};
        return ::poll(&queue, 1, 0) == 1;
    }
    UniqueFd accept() {
        EXPECT_TRUE(run_until([this] { return somebody_waits(); }));
        return UniqueFd(::accept4(listening.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
    // The head of a request.
    std::string read_request(const UniqueFd& client) {
        std::string text;
        run_until([&] {
            std::array<char, 4096> chunk{};
            const auto got = ::recv(client.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
            if (got > 0) text.append(chunk.data(), static_cast<std::size_t>(got));
            return text.find("\r\n\r\n") != std::string::npos;
        });
        return text;
    }
    static void say(const UniqueFd& client, const std::string& text) {
        (void)!::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
    }
    std::string port() const { return listening.address.substr(listening.address.rfind(':') + 1); }

    boost::asio::io_context io{1};
    ListenSocket listening;
    std::optional<ReadinessProbe> asked;
    int answers = 0;
};

TEST_P(ReadinessProbeTest, to_be_connected_is_not_enough_to_be_accepted_is) {
    probe({By::socket, ""});
    ASSERT_TRUE(run_until([this] { return somebody_waits(); }));
    run_for_a_while();
    EXPECT_EQ(answers, 0);
    const UniqueFd client = accept();
    EXPECT_TRUE(run_until([this] { return answers == 1; }));
    run_for_a_while();
    EXPECT_EQ(answers, 1);
    EXPECT_FALSE(somebody_waits()) << "it asks no more";
    std::array<char, 8> nothing{};
    EXPECT_EQ(::recv(client.get(), nothing.data(), nothing.size(), MSG_DONTWAIT), 0) << "closed";
}

TEST_P(ReadinessProbeTest, others_that_wait_do_not_hide_an_accept_that_speaks) {
    // A worker under load takes connections one by one and its queue is never empty.
    probe({By::socket, ""});
    const UniqueFd ours = accept();
    asked->stop();
    asked->start();
    const UniqueFd again = accept();
    ReadinessProbe other(io, listening.fd.get(), {By::http, "/"}, [] {});
    other.start();  // fills the queue
    ASSERT_TRUE(run_until([this] { return somebody_waits(); }));
    say(again, "220 hello\r\n");
    EXPECT_TRUE(run_until([this] { return answers == 1; }));
}

TEST_P(ReadinessProbeTest, http_asks_again_until_the_status_is_good) {
    probe({By::http, "/healthz?full=1"});
    const char* const bad[] = {"HTTP/1.1 503 Service Unavailable\r\n\r\n",
                               "HTTP/1.1 404 Not Found\r\n\r\n",
                               "HTTP/1.1 199 Odd\r\n\r\n",
                               "HTTP/1.1 400\r\n\r\n",
                               "SSH-2.0-x\r\n",
                               "HTTP/1.1 2x0 OK\r\n\r\n",
                               "HTTP/1.1 200",
                               ""};
    for (const char* reply : bad) {
        const UniqueFd client = accept();
        const std::string request = read_request(client);
        EXPECT_EQ(request.rfind("GET /healthz?full=1 HTTP/1.1\r\n", 0), 0U) << request;
        EXPECT_NE(request.find("\r\nHost: "), std::string::npos);
        EXPECT_NE(request.find(":" + port() + "\r\n"), std::string::npos);
        EXPECT_NE(request.find("\r\nConnection: close\r\n"), std::string::npos);
        say(client, reply);
    }
    EXPECT_EQ(answers, 0);
    const UniqueFd client = accept();
    read_request(client);
    say(client, "HTTP/1.1 20");
    say(client, "0 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_TRUE(run_until([this] { return answers == 1; }));
    run_for_a_while();
    EXPECT_EQ(answers, 1);
    EXPECT_FALSE(somebody_waits());
}

TEST_P(ReadinessProbeTest, a_request_that_is_never_answered_is_followed_by_another) {
    probe({By::http, "/"});
    const UniqueFd silent = accept();
    read_request(silent);
    const UniqueFd second = accept();  // after a second
    read_request(second);
    say(second, "HTTP/1.0 302 Found\r\n\r\n");
    EXPECT_TRUE(run_until([this] { return answers == 1; }));
}

TEST_P(ReadinessProbeTest, an_endless_line_is_read_to_a_limit) {
    probe({By::http, "/"});
    const UniqueFd client = accept();
    read_request(client);
    say(client, "HTTP/1.1 " + std::string(100'000, '2'));
    const UniqueFd next = accept();
    EXPECT_TRUE(next);
    EXPECT_EQ(answers, 0);
}

TEST_P(ReadinessProbeTest, after_a_stop_nothing_is_told_and_nothing_is_left) {
    for (const By by : {By::socket, By::http}) {
        probe({by, "/"});
        const UniqueFd client = accept();
        asked->stop();
        say(client, "HTTP/1.1 200 OK\r\n\r\n");
        run_for_a_while();
        EXPECT_EQ(answers, 0);
        EXPECT_FALSE(somebody_waits());
        io.restart();
        EXPECT_EQ(io.poll(), 0U) << "nothing left to wake up for";
        io.restart();
    }
    asked.reset();
}

TEST_P(ReadinessProbeTest, ended_in_the_middle_it_leaves_nothing_behind) {
    probe({By::http, "/"});
    const UniqueFd client = accept();
    asked.reset();
    say(client, "HTTP/1.1 200 OK\r\n\r\n");
    run_for_a_while();
    EXPECT_EQ(answers, 0);
}

INSTANTIATE_TEST_SUITE_P(Addresses, ReadinessProbeTest, testing::Values("127.0.0.1", "::"),
                         [](const auto& which) {
                             return "address_" + std::to_string(which.index);
                         });

TEST(HttpStatus, lines) {
    EXPECT_EQ(http_status("HTTP/1.1 200 OK\r\n"), 200);
    EXPECT_EQ(http_status("HTTP/1.0 404\r\n"), 404);
    EXPECT_EQ(http_status("HTTP/2 301\n"), 301);
    for (const char* text :
         {"", "\n", "HTTP/1.1\r\n", "HTTP/1.1 \r\n", "HTTP/1.1 20\r\n", "HTTP/1.1 2000 OK\r\n",
          "HTTP/1.1 -20\r\n", "http/1.1 200\r\n", "200 OK\r\n", "HTTP/1.1 200 OK"}) {
        EXPECT_EQ(http_status(text), 0) << text;
    }
    const std::string whole = "HTTP/1.1 200 OK\r\n";
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(http_status(std::string_view(whole).substr(0, size)), 0);
}

}  // namespace
}  // namespace oneloop
