// Reloads under load: 200 requests a second, each on a connection of its own, while the worker is
// replaced again and again. None may be refused, reset or left unanswered by a server that ends
// what it has begun; of those that don't, it is counted what they lose.
//
// ONELOOP_RELOADS: how often Node's is replaced.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "tests/support/rounds.h"
#include "tests/support/server_fixture.h"

namespace oneloop::test {
namespace {

using Outcome = HttpReply::Outcome;
using Clock = std::chrono::steady_clock;

// Asks at fixed times, whatever became of the requests before; who is late catches up.
class Load {
  public:
    explicit Load(int port) : began_(Clock::now()) {
        for (int i = 0; i < clients; ++i)
            threads_.emplace_back([this, port, i] { ask(port, began_ + i * period / clients); });
    }
    ~Load() { finish(); }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    [[nodiscard]] int answered() const { return answered_; }
    std::map<Outcome, int> finish() {
        done_ = true;
        threads_.clear();  // joins
        return outcomes_;
    }
    [[nodiscard]] double seconds_so_far() const {
        return std::chrono::duration<double>(Clock::now() - began_).count();
    }

  private:
    static constexpr int clients = 200;
    static constexpr milliseconds period{1000};  // of each client: 200 requests a second in all

    void ask(int port, Clock::time_point next) {
        while (!done_) {
            if (const auto now = Clock::now(); now < next) {
                let_pass(std::chrono::ceil<std::chrono::microseconds>(next - now));
            }
            next += period;
            auto reply = http_get(port, "/", seconds(60));
            // The whole body: "version 1 pid 4711".
            if (reply.outcome == Outcome::answered &&
                (reply.status != 200 || reply.body.find("version 1 pid ") != 0)) {
                reply.outcome = Outcome::broken;
            }
            answered_ += reply.outcome == Outcome::answered ? 1 : 0;
            const std::lock_guard lock(mutex_);
            ++outcomes_[reply.outcome];
        }
    }

    const Clock::time_point began_;
    std::atomic<bool> done_{false};
    std::atomic<int> answered_{0};
    std::mutex mutex_;
    std::map<Outcome, int> outcomes_;
    std::vector<std::jthread> threads_;
};

class Reload : public ServerFixture {
  protected:
    // Each reload is waited for, and so are some answers of the new worker.
    std::map<Outcome, int> reload(Process& supervisor, int times) {
        Load load(port);
        for (int i = 1; i <= times; ++i) {
            const int before = load.answered();
            EXPECT_TRUE(wait_until([&] { return load.answered() >= before + 60; }, seconds(60)));
            supervisor.signal(SIGUSR1);
            const std::string started = "(generation " + std::to_string(i + 1) + ")";
            const auto has_started = [&] {
                let_pass(milliseconds(3));  // the load is to have the machine
                return said(started) > 0;
            };
            EXPECT_TRUE(wait_until(has_started, seconds(60))) << read_file(console);
            if (HasFailure()) break;
        }
        const int before = load.answered();
        EXPECT_TRUE(wait_until([&] { return load.answered() >= before + 10; }, seconds(60)));
        const double lasted = load.seconds_so_far();
        auto outcomes = load.finish();
        const int lost = outcomes[Outcome::reset] + outcomes[Outcome::broken];
        const int answered = outcomes[Outcome::answered];
        std::printf("%d reloads in %.1f s: %d answered (%.0f a second), ", times, lasted, answered,
                    answered / lasted);
        std::printf("%d refused, %d lost, %d timed out\n", outcomes[Outcome::refused], lost,
                    outcomes[Outcome::timed_out]);
        RecordProperty("answered", outcomes[Outcome::answered]);
        RecordProperty("lost", lost);
        return outcomes;
    }
    [[nodiscard]] Process run(const Words& command) const {
        return supervise(on_port({"--down", "hold"}), command);
    }
};

TEST_F(Reload, OfNodeLoseNothing) {
    const int times = rounds("ONELOOP_RELOADS", 50);
    put("server.js");
    auto supervisor = run({"/usr/bin/node", "server.js"});
    ASSERT_TRUE(serves("version 1")) << read_file(console);
    auto outcomes = reload(supervisor, times);
    EXPECT_EQ(outcomes[Outcome::refused], 0);
    EXPECT_EQ(outcomes[Outcome::reset], 0);
    EXPECT_EQ(outcomes[Outcome::timed_out], 0);
    EXPECT_EQ(outcomes[Outcome::broken], 0);
    EXPECT_GE(outcomes[Outcome::answered], times * 60);
    stop(supervisor);
}

TEST_F(Reload, OfGunicornLoseNothing) {
    put("wsgi.py");
    auto supervisor = run({"/usr/bin/gunicorn", "wsgi:app"});
    ASSERT_TRUE(serves("version 1")) << read_file(console);
    auto outcomes = reload(supervisor, 10);
    EXPECT_EQ(outcomes[Outcome::refused], 0);
    EXPECT_EQ(outcomes[Outcome::reset], 0);
    EXPECT_EQ(outcomes[Outcome::timed_out], 0);
    EXPECT_EQ(outcomes[Outcome::broken], 0);
    stop(supervisor);
}

// These close connections that they have accepted and not answered; nobody is refused even so, and
// what waited in the backlog is answered.
TEST_F(Reload, OfUvicornAndWerkzeugRefuseNobody) {
    put("asgi.py");
    put("wsgi.py");
    write_file(project + "/run.py",
               "from werkzeug.serving import run_simple\nfrom wsgi import app\n"
               "run_simple('127.0.0.1', 5000, app)\n");
    for (const Words& command :
         {Words{"/usr/bin/uvicorn", "asgi:app", "--fd", "3", "--log-level", "warning"},
          Words{"/usr/bin/python3", "run.py"}}) {
        Words options = on_port({"--down", "hold"});
        if (command[1] == "run.py") options.emplace_back("--flask");
        auto supervisor = supervise(options, command);
        ASSERT_TRUE(serves("version 1")) << read_file(console);
        write_file(console, "");
        auto outcomes = reload(supervisor, 10);
        EXPECT_EQ(outcomes[Outcome::refused], 0) << command[0];
        EXPECT_EQ(outcomes[Outcome::timed_out], 0) << command[0];
        EXPECT_GE(outcomes[Outcome::answered], 100) << command[0];
        stop(supervisor);
        write_file(console, "");
        std::filesystem::remove_all(state);
    }
}

// The same server on a port that it opens itself: between two of them nobody listens.
TEST_F(Reload, ControlWithoutTheKeptSocketConnectionsAreRefused) {
    put("server.js");
    replace("server.js", "{fd: 3}", "{port: " + std::to_string(port) + ", host: '127.0.0.1'}");
    auto supervisor = supervise({}, {"/usr/bin/node", "server.js"});
    ASSERT_TRUE(serves("version 1")) << read_file(console);
    auto outcomes = reload(supervisor, 5);
    EXPECT_GT(outcomes[Outcome::refused], 0)
        << "the control did not fail, so the tests above prove nothing";
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
