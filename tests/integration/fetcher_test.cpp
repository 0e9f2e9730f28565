// libcurl against a real server, a hostile one and none at all.
#include "worker/fetcher.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "common/clock.h"
#include "tests/support/receivers.h"
#include "tests/support/simulator.h"
#include "tests/support/wait.h"
#include "worker/memo.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const char* const path = "/on/oh/ohc/Brch/schedulePage.do";

HttpRequest request(const std::string& url) {
    HttpRequest result;
    result.method = "POST";
    result.url = url;
    result.body = SourceSpec::Body::form;
    result.form = {{"brchNo1", "7011"}, {"playDe", "20251203"}, {"firstAt", "Y"}};
    result.user_agent = "test";
    result.timeout = 3s;
    return result;
}

// A server that sends one fixed text to everybody who connects, then closes.
class Speaker {
  public:
    explicit Speaker(std::string text) : text_(std::move(text)) {
        fd_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        ::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size);
        ::listen(fd_.get(), 8);
        ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { speak(); });
    }
    ~Speaker() {
        ::shutdown(fd_.get(), SHUT_RDWR);
        thread_.join();
    }
    Speaker(const Speaker&) = delete;
    Speaker& operator=(const Speaker&) = delete;
    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(port_) + "/";
    }

  private:
    void speak() const {
        for (;;) {
            const UniqueFd client(::accept(fd_.get(), nullptr, nullptr));
            if (!client) return;
            char buffer[4096];
            (void)::recv(client.get(), buffer, sizeof buffer, 0);
            for (std::size_t sent = 0; sent < text_.size();) {
                const ssize_t size =
                    ::send(client.get(), text_.data() + sent, text_.size() - sent, MSG_NOSIGNAL);
                if (size <= 0) break;
                sent += static_cast<std::size_t>(size);
            }
        }
    }
    std::string text_;
    UniqueFd fd_;
    int port_ = 0;
    std::thread thread_;
};

TEST(Fetcher, RepliesComeInTheOrderOfTheRequestsAtMostTwoAtATime) {
    const test::Simulator simulator("slow");  // one second each, so that they overlap
    Fetcher fetcher;
    std::vector<HttpRequest> requests;
    for (const char* date : {"20251201", "20251202", "20251203"}) {
        requests.push_back(request(simulator.url() + path));
        requests.back().form[1].second = date;
    }
    const auto replies = fetcher.fetch(requests, {});
    ASSERT_EQ(replies.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(replies[i].error, "");
        EXPECT_EQ(replies[i].code, 200);
        EXPECT_THAT(replies[i].body, HasSubstr("\"playDe\": \"" + requests[i].form[1].second));
    }
    EXPECT_EQ(simulator.counter("concurrent_max"), 2);
}

TEST(Fetcher, AJsonBodyIsUnderstoodToo) {
    const test::Simulator simulator("open");
    HttpRequest json = request(simulator.url() + path);
    json.body = SourceSpec::Body::json;
    json.json = R"({"brchNo1":"1351","playDe":"20251203"})";
    Fetcher fetcher;
    EXPECT_THAT(fetcher.fetch({json}, {})[0].body, HasSubstr("\"brchNo\": \"1351\""));
}

TEST(Fetcher, RetryAfterIsRead) {
    const test::Simulator simulator("429");
    Fetcher fetcher;
    const auto reply = fetcher.fetch({request(simulator.url() + path)}, {})[0];
    EXPECT_EQ(reply.code, 429);
    EXPECT_EQ(reply.retry_after, 3s);
}

HttpRequest of_web(const test::Receiver& server, const std::string& where, bool trusted = true) {
    HttpRequest result;
    result.method = "GET";
    result.url = "https://localhost:" + std::to_string(server.port()) + where;
    result.user_agent = "test";
    result.timeout = 5s;
    if (trusted) result.ca = server.directory() + "/cert.pem";
    return result;
}

TEST(Fetcher, Http2WhereTheServerHasItAndAnUnknownCertificateIsRefused) {
    const test::Receiver server = test::Receiver::web();
    Fetcher fetcher;
    const auto reply = fetcher.fetch({of_web(server, "/")}, {})[0];
    EXPECT_EQ(reply.error, "");
    EXPECT_THAT(reply.body, HasSubstr(R"("version":"2.0")"));

    const auto stranger = fetcher.fetch({of_web(server, "/", false)}, {})[0];
    EXPECT_THAT(stranger.error, HasSubstr("certificate"));
    EXPECT_FALSE(stranger.again) << "it will be no other one in a second";
    EXPECT_EQ(stranger.code, 0);
    HttpRequest misnamed = of_web(server, "/");
    misnamed.url.replace(misnamed.url.find("localhost"), 9, "127.0.0.2");
    EXPECT_NE(fetcher.fetch({misnamed}, {})[0].error, "");
    EXPECT_EQ(server.journal().size(), 1U);
}

TEST(Fetcher, Http2OnOrOffIsMeant) {
    const test::Receiver server = test::Receiver::web();
    const test::Receiver old = test::Receiver::old_web();
    const test::Simulator plain("open");
    Fetcher fetcher;
    const auto ask = [&](HttpRequest request, Http2 http2) {
        request.http2 = http2;
        return fetcher.fetch({request}, {})[0];
    };
    EXPECT_THAT(ask(of_web(server, "/"), Http2::on).body, HasSubstr(R"("version":"2.0")"));
    EXPECT_THAT(ask(of_web(server, "/"), Http2::off).body, HasSubstr(R"("version":"1.1")"));
    EXPECT_THAT(ask(of_web(old, "/"), Http2::automatic).body, HasSubstr(R"("version":"1.1")"));
    const HttpReply refused = ask(of_web(old, "/"), Http2::on);
    EXPECT_THAT(refused.error, HasSubstr("does not speak HTTP/2"));
    EXPECT_EQ(refused.body, "");
    EXPECT_FALSE(refused.again);
    EXPECT_EQ(ask(request(plain.url() + path), Http2::off).code, 200);
    EXPECT_NE(ask(request(plain.url() + path), Http2::on).error, "");
}

TEST(Fetcher, WhatAServerSaysForTheNextTime) {
    const test::Receiver server = test::Receiver::web();
    Fetcher fetcher;
    const auto replies = fetcher.fetch(
        {of_web(server, "/tagged"), of_web(server, "/dated"), of_web(server, "/later")}, {});
    EXPECT_EQ(replies[0].etag, "\"v1\"");
    EXPECT_EQ(replies[1].last_modified, "Wed, 03 Dec 2025 10:00:00 GMT");
    // The date form of Retry-After; the clock of both is one.
    ASSERT_TRUE(replies[2].retry_after);
    EXPECT_LE(*replies[2].retry_after, 40s);
    EXPECT_GE(*replies[2].retry_after, 30s);
}

// The condition, the 304, and the reply that it stands for, with a server that means it.
TEST(Fetcher, AConfirmedReplyIsNotSentAgain) {
    const test::Receiver server = test::Receiver::web();
    Fetcher fetcher;
    for (const char* where : {"/tagged", "/dated"}) {
        Memo memo;
        for (int i = 0; i < 2; ++i) {
            HttpRequest again = of_web(server, where);
            memo.add_conditions("k", again);
            const auto reply = fetcher.fetch({again}, {})[0];
            EXPECT_EQ(reply.code, i == 0 ? 200 : 304) << where;
            EXPECT_THAT(memo.keep("k", reply, BootTime(1h), false).body, HasSubstr("2.0")) << where;
        }
    }
}

TEST(Fetcher, ARedirectIsNotFollowed) {
    const test::Simulator simulator("redirect");
    Fetcher fetcher;
    EXPECT_EQ(fetcher.fetch({request(simulator.url() + path)}, {})[0].code, 302);
}

TEST(Fetcher, AResetAndARefusedConnectionAreErrors) {
    int port = 0;
    Fetcher fetcher;
    {
        const test::Simulator simulator("reset");
        port = simulator.port();
        const auto reply = fetcher.fetch({request(simulator.url() + path)}, {})[0];
        EXPECT_NE(reply.error, "");
        EXPECT_EQ(reply.body, "");
        EXPECT_TRUE(reply.again);
    }
    const auto refused =
        fetcher.fetch({request("http://127.0.0.1:" + std::to_string(port))}, {})[0];
    EXPECT_NE(refused.error, "");
    EXPECT_TRUE(refused.again);
}

TEST(Fetcher, OnlyHttp) {
    Fetcher fetcher;
    for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", ""}) {
        const auto reply = fetcher.fetch({request(url)}, {})[0];
        EXPECT_NE(reply.error, "") << url;
        EXPECT_EQ(reply.body, "");
    }
}

TEST(Fetcher, ABodyBeyondTheLimitIsAnError) {
    const Speaker endless("HTTP/1.1 200 OK\r\n\r\n" + std::string(Fetcher::largest_body + 1, 'x'));
    const Speaker full("HTTP/1.1 200 OK\r\n\r\n" + std::string(Fetcher::largest_body, 'x'));
    Fetcher fetcher;
    const auto replies = fetcher.fetch({request(endless.url()), request(full.url())}, {});
    EXPECT_EQ(replies[0].error, "the reply is longer than 8 MiB");
    EXPECT_EQ(replies[0].body, "");
    EXPECT_EQ(replies[1].error, "");
    EXPECT_EQ(replies[1].body.size(), Fetcher::largest_body);
}

TEST(Fetcher, AServerThatNeverAnswersTimesOut) {
    const test::Simulator simulator("hang");
    Fetcher fetcher;
    HttpRequest quick = request(simulator.url() + path);
    quick.timeout = 200ms;
    const auto began = Steady::now();
    EXPECT_THAT(fetcher.fetch({quick}, {})[0].error, HasSubstr("timed out"));
    EXPECT_LT(Steady::now() - began, 2s);
}

TEST(Fetcher, AStopReachesARequestInFlightWithin50Milliseconds) {
    const test::Simulator simulator("hang");
    Fetcher fetcher;
    for (int round = 0; round < 5; ++round) {
        std::stop_source source;
        SteadyTime asked;
        std::thread stopper([&] {
            test::wait_until([&] { return simulator.counter("running") >= 2; }, 10s);
            asked = Steady::now();
            source.request_stop();
        });
        const auto replies =
            fetcher.fetch({3, request(simulator.url() + path)}, source.get_token());
        const auto took = Steady::now() - asked;
        stopper.join();
        EXPECT_LT(took, 50ms);
        for (const auto& reply : replies)
            EXPECT_EQ(reply.error, "stopped");
        test::wait_until([&] { return simulator.counter("running") == 0; }, 10s);
    }
}

TEST(Fetcher, AStopBeforehandSendsNothing) {
    const test::Simulator simulator("open");
    std::stop_source source;
    source.request_stop();
    Fetcher fetcher;
    EXPECT_EQ(fetcher.fetch({request(simulator.url() + path)}, source.get_token())[0].error,
              "stopped");
    EXPECT_EQ(simulator.counter("total"), 0);
}

}  // namespace
}  // namespace oneloop::worker
