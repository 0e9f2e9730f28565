// HttpSiteTest: the HTTP server on a real socket, with a site that says what the test wants.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/simulator.h"
#include "tests/support/wait.h"
#include "worker/http_server.h"
#include "worker/listener.h"
#include "worker/status.h"
#include "worker/status_board.h"

namespace oneloop::test {

using namespace oneloop::worker;
using namespace std::chrono_literals;

// /status as the worker says it, /slow on another thread, /stream with whatever the test says.
class Site : public HttpSite {
  public:
    Said answer(const HttpAsk& ask, std::size_t streams) override {
        streams_ = streams;
        if (ask.target == "/stream") return StreamFrom{std::atoll(ask.last_event_id.c_str())};
        if (ask.target == "/slow") {
            return Later{[this](const std::stop_token& stop) {
                ++slow_;
                EXPECT_TRUE(test::wait_until([&] { return stop.stop_requested() || go_; }, 10s));
                return json_answer("{}\n");
            }};
        }
        if (ask.method != "GET" && ask.method != "HEAD") {
            HttpAnswer refusal = error_answer(405, "method_not_allowed", ask.body);
            refusal.allow = "GET";
            return refusal;
        }
        if (ask.target != "/status") return no_such("page", ask.target);
        return status_answer(*board_.read(), 1s);
    }
    void dress(HttpAnswer& answer) const override {
        answer.headers.emplace_back("X-Dressed", "yes");
    }
    std::string stream_opening(StreamFrom&) override { return "hello\n"; }
    std::string stream_more(StreamFrom& place) override {
        const std::lock_guard lock(mutex_);
        std::string text;
        while (place.after < static_cast<std::int64_t>(lines_.size()) && text.size() < 100'000)
            text += lines_[static_cast<std::size_t>(place.after++)];
        return text;
    }
    std::int64_t newest() override {
        const std::lock_guard lock(mutex_);
        return static_cast<std::int64_t>(lines_.size());
    }
    void happen(const std::string& line) {
        const std::lock_guard lock(mutex_);
        lines_.push_back(line);
    }

    StatusBoard board_;
    std::atomic<std::size_t> streams_{0};
    std::atomic<int> slow_{0};
    std::atomic<bool> go_{false};

  private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

class HttpSiteTest : public testing::Test {
  protected:
    void start(ServerLimits limits = {}) {
        auto listener = open_listener("127.0.0.1", 0);
        ASSERT_TRUE(listener);
        port_ = std::stoi(listener->where.substr(listener->where.rfind(':') + 1));
        Snapshot snapshot;
        snapshot.version = "1.2.3";
        snapshot.job = "megabox";
        site_.board_.publish(snapshot);
        server_ = std::make_unique<HttpServer>(std::move(listener->fd), site_, limits);
        thread_ = std::thread([this] { server_->run(); });
    }
    // How long the stop took.
    std::chrono::nanoseconds stop() {
        const auto began = Steady::now();
        server_->stop();
        thread_.join();
        return Steady::now() - began;
    }
    void TearDown() override {
        if (thread_.joinable()) stop();
    }

    [[nodiscard]] UniqueFd connect() const {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const timeval limit{5, 0};
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port_));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            fd.reset();
        return fd;
    }
    static void say(const UniqueFd& fd, const std::string& text) {
        (void)::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
    }
    // What comes until the connection is closed or `enough` is seen.
    static std::string hear(const UniqueFd& fd, const std::string& enough = "\x01") {
        std::string all;
        char buffer[4096];
        while (all.find(enough) == std::string::npos) {
            const ssize_t size = ::recv(fd.get(), buffer, sizeof buffer, 0);
            if (size <= 0) break;
            all.append(buffer, static_cast<std::size_t>(size));
        }
        return all;
    }

    Site site_;
    std::unique_ptr<HttpServer> server_;
    std::thread thread_;
    int port_ = 0;
};

inline const char* const get_status = "GET /status HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace oneloop::test
