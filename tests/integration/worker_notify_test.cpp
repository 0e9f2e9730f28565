// What the real worker tells who started it: ready when it serves and has polled, and signs of life
// that a polling thread which hangs does not give.
#include <fcntl.h>
#include <sys/stat.h>

#include <array>

#include "tests/support/datagram_socket.h"
#include "tests/support/worker_fixture.h"

namespace oneloop {
namespace {

using namespace std::chrono_literals;
using test::limit;
using test::wait_until;

class WorkerNotifyTest : public test::WorkerTest {
  protected:
    bool hears(const std::string& part) {
        return wait_until(
            [&] {
                for (const auto& one : manager_.all()) {
                    if (one.find(part) != std::string::npos) return true;
                }
                return false;
            },
            limit);
    }
    bool signs_come() {
        const auto before = manager_.count("WATCHDOG=1");
        return wait_until([&] { return manager_.count("WATCHDOG=1") >= before + 3; }, limit);
    }

    test::Environment manage_ = {{"NOTIFY_SOCKET", dir_.file("manager")}};
    test::DatagramSocket manager_{dir_.file("manager")};
};

TEST_F(WorkerNotifyTest, ReadyWhenItServesAndHasPolledAndNotBefore) {
    simulator_.set_mode("hang");
    const Worker worker = serving({"--standalone", "--config", config("a")}, manage_);
    ASSERT_TRUE(wait_until([&] { return simulator_.counter("running") > 0; }, limit));
    EXPECT_FALSE(wait_until([&] { return manager_.count("READY=1") > 0; }, 500ms))
        << "it serves, and its first tick waits for the cinema";
    simulator_.set_mode("open");
    ASSERT_TRUE(hears("READY=1")) << worker.output();
    EXPECT_GE(worker.ticks(), 1);
    EXPECT_TRUE(hears("STATUS=tick 1, source ")) << worker.output();
    EXPECT_TRUE(hears("STATUS=tick 2, source ok, next 2")) << worker.output();
    EXPECT_EQ(manager_.count("READY=1"), 1U);
    EXPECT_EQ(manager_.count("WATCHDOG=1"), 0U) << "nobody asked for any";
}

// Its thread is stuck in the kernel, in a write to somebody who does not read. The server serves.
TEST_F(WorkerNotifyTest, AThreadThatHangsIsSilentWhateverTheRestDoes) {
    manage_.emplace_back("WATCHDOG_USEC", "500000");
    const std::string pipe = dir_.file("pipe");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const UniqueFd reader(::open(pipe.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    std::array<char, 4096> page{};
    const test::Process worker(
        {{ONELOOP_WORKER, "--standalone", "--config", config("a")}, dir_.path(), manage_, pipe});
    ASSERT_TRUE(hears("READY=1"));
    ASSERT_TRUE(signs_come());
    ASSERT_GT(::read(reader.get(), page.data(), page.size() - 1), 0);
    const std::string said = page.data();
    const std::string serving = "serving http://127.0.0.1:";
    ASSERT_NE(said.find(serving), std::string::npos) << said;
    const int port = std::atoi(said.c_str() + said.find(serving) + serving.size());
    const auto lease = [port] {
        return test::number_in(test::http_get(port, "/api/v1/leader").body, "lease_left_ms");
    };
    EXPECT_GT(lease(), 0);
    EXPECT_LE(lease(), 500);
    while (::write(reader.get(), page.data(), page.size()) > 0) {
    }
    // The next tick is due within a second, and its line does not fit.
    ASSERT_TRUE(wait_until(
        [&] {
            const auto before = manager_.count("WATCHDOG=1");
            return !wait_until([&] { return manager_.count("WATCHDOG=1") > before; }, 1s);
        },
        limit));
    const auto before = manager_.count("WATCHDOG=1");
    EXPECT_FALSE(wait_until([&] { return manager_.count("WATCHDOG=1") > before; }, 2s));
    EXPECT_EQ(lease(), 0);
    // The control: read, and it goes on.
    while (::read(reader.get(), page.data(), page.size()) > 0) {
    }
    EXPECT_TRUE(signs_come());
    EXPECT_GT(lease(), 0);
}

TEST_F(WorkerNotifyTest, WaitingForTheCinemaIsNoHang) {
    manage_.emplace_back("WATCHDOG_USEC", "400000");
    simulator_.set_mode("hang");
    const Worker worker = serving({"--standalone", "--config", config("a")}, manage_);
    ASSERT_TRUE(wait_until([&] { return simulator_.counter("running") > 0; }, limit));
    EXPECT_TRUE(signs_come());
    EXPECT_GT(simulator_.counter("running"), 0);
}

TEST_F(WorkerNotifyTest, WhoDoesNotPollIsReadyAndSaysSo) {
    manage_.emplace_back("WATCHDOG_USEC", "400000");
    const Worker idle = serving({"--config", config("a")}, manage_);
    ASSERT_TRUE(hears("READY=1\nSTATUS=serving, not polling: ")) << idle.output();
    EXPECT_TRUE(hears("WATCHDOG_USEC=0")) << "nobody there who could give signs";
}

}  // namespace
}  // namespace oneloop
