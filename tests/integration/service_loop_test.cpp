// What the service manager that started us is told, and that nobody waits for it: a socket of the
// test plays the manager.
#include "tests/support/datagram_socket.h"
#include "tests/support/vitals_fixture.h"

namespace oneloop::test {
namespace {

class Service : public VitalsFixture {
  protected:
    Service() { environment = {{"NOTIFY_SOCKET", address}}; }

    // Without a controlling terminal, as a service manager starts it.
    [[nodiscard]] Process serve(const std::vector<std::string>& options,
                                const std::vector<std::string>& command) const {
        std::vector<std::string> all = {"/usr/bin/setsid", ONELOOP_SUPERVISOR, "--isolate",
                                        isolation,         "--state-dir",      state};
        all.insert(all.end(), options.begin(), options.end());
        all.emplace_back("--");
        all.insert(all.end(), command.begin(), command.end());
        return start(all);
    }
    [[nodiscard]] std::vector<std::string> plain(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> command = {ONELOOP_PROBE_WORKER, "--log", log};
        command.insert(command.end(), more.begin(), more.end());
        return command;
    }
    static bool hears(DatagramSocket& manager, const std::string& part) {
        return wait_until(
            [&] {
                for (const auto& one : manager.all()) {
                    if (one.find(part) != std::string::npos) return true;
                }
                return false;
            },
            seconds(10));
    }
    static bool counts(DatagramSocket& manager, const std::string& line, std::size_t number) {
        return wait_until([&] { return manager.count(line) >= number; }, seconds(10));
    }

    std::string address = dir.file("manager");
};
INSTANTIATE_TEST_SUITE_P(Isolation, Service, testing::Values("subreaper", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(Service, ItIsReadyWhenTheWorkerIsAndNotBefore) {
    DatagramSocket manager(address);
    auto supervisor =
        serve({"--ready", "notify"}, plain({"--ready-when", go, "--say", "STATUS=warming up"}));
    ASSERT_TRUE(hears(manager, "not ready yet: warming up")) << read_file(console);
    EXPECT_FALSE(wait_until([&] { return manager.count("READY=1") > 0; }, milliseconds(500)));
    write_file(go, "");
    ASSERT_TRUE(counts(manager, "READY=1", 1)) << read_file(console);
    EXPECT_TRUE(hears(manager, "STATUS=generation 1: worker " + std::to_string(worker()) +
                                   " running: warming up"));
    // The worker speaks to us, not past us.
    EXPECT_EQ(logged("notify=" + state + "/notify.sock"), 1) << read_file(log);
    supervisor.signal(SIGTERM);
    EXPECT_TRUE(supervisor.wait(seconds(15)));
    EXPECT_EQ(manager.count("READY=1"), 1U);
}

TEST_P(Service, ReadyOnceReloadingForAHangUpAndStoppingAtTheEnd) {
    DatagramSocket manager(address);
    auto supervisor = serve({"--watch"}, plain({"--stop-takes", "300"}));
    ASSERT_TRUE(counts(manager, "READY=1", 1)) << read_file(console);
    write_file(source, "2");
    ASSERT_TRUE(hears(manager, "STATUS=generation 2: ")) << read_file(console);
    EXPECT_EQ(manager.count("READY=1"), 1U) << "a restart is not a start";
    EXPECT_EQ(manager.count("RELOADING=1"), 0U);

    supervisor.signal(SIGHUP);
    ASSERT_TRUE(counts(manager, "RELOADING=1", 1)) << read_file(console);
    EXPECT_TRUE(hears(manager, "MONOTONIC_USEC="));
    EXPECT_TRUE(counts(manager, "READY=1", 2)) << read_file(console);
    EXPECT_TRUE(hears(manager, "STATUS=generation 3: ")) << read_file(console);
    EXPECT_EQ(manager.count("STOPPING=1"), 0U);

    supervisor.signal(SIGTERM);
    ASSERT_TRUE(counts(manager, "STOPPING=1", 1)) << read_file(console);
    EXPECT_FALSE(supervisor.wait(milliseconds(0))) << "told when it begins, not when it is over";
    EXPECT_TRUE(supervisor.wait(seconds(15)));
    EXPECT_EQ(manager.count("STOPPING=1"), 1U);
    EXPECT_EQ(manager.count("READY=1"), 2U);
}

TEST_P(Service, AReloadLooksFirstAndAMistakeKeepsTheWorker) {
    DatagramSocket manager(address);
    const std::string file = dir.file("project/own.toml");
    const std::string checked = dir.file("checked");
    write_file(file, "[supervisor]\nstop-timeout = \"5s\"\n");
    auto supervisor = serve({"--config", file, "--check", "test ! -e " + checked}, plain());
    ASSERT_TRUE(counts(manager, "READY=1", 1)) << read_file(console);
    const auto first = worker();

    // Our own file: refused before anything else happens.
    write_file(file, "[supervisor]\nstop-timeout = 5\n");
    supervisor.signal(SIGHUP);
    ASSERT_TRUE(wait_for("not reloaded, the worker that runs is kept: ")) << read_file(console);
    EXPECT_EQ(said("own.toml:2:"), 1) << read_file(console);
    ASSERT_TRUE(counts(manager, "READY=1", 2)) << "a manager that waits for the reload is told";

    // The worker's: --check finds it.
    write_file(file, "[supervisor]\nstop-timeout = \"6s\"\n");
    write_file(checked, "");
    supervisor.signal(SIGHUP);
    ASSERT_TRUE(wait_for("check failed: exit 1")) << read_file(console);
    ASSERT_TRUE(counts(manager, "READY=1", 3)) << read_file(console);
    EXPECT_EQ(said("options have changed; they count when it is started again"), 1);
    EXPECT_EQ(worker(), first);

    // The control: nothing wrong, and it is another worker.
    ::unlink(checked.c_str());
    supervisor.signal(SIGHUP);
    ASSERT_TRUE(counts(manager, "READY=1", 4)) << read_file(console);
    EXPECT_NE(worker(), first);
    EXPECT_EQ(manager.count("RELOADING=1"), 3U);
    stop(supervisor);
}

TEST_P(Service, SignsOfItsOwnLifeAndNoneOfAStoppedOne) {
    DatagramSocket manager(address);
    environment.emplace_back("WATCHDOG_USEC", "400000");
    auto supervisor = serve({}, plain());
    ASSERT_TRUE(counts(manager, "WATCHDOG=1", 5)) << read_file(console);
    // It is our loop that gives them: the control.
    supervisor.signal(SIGSTOP);
    let_pass(milliseconds(300));
    const auto before = manager.count("WATCHDOG=1");
    EXPECT_FALSE(wait_until([&] { return manager.count("WATCHDOG=1") > before; }, seconds(1)));
    supervisor.signal(SIGCONT);
    EXPECT_TRUE(counts(manager, "WATCHDOG=1", before + 2));
    stop(supervisor);
}

TEST_P(Service, AManagerThatDoesNotReadIsWaitedForByNobody) {
    DatagramSocket manager(address);
    environment.emplace_back("WATCHDOG_USEC", "400000");
    // Full to the brim before we start.
    ASSERT_GT(stuff(address), 0U);
    auto supervisor = serve({"--watch"}, plain());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(status()["state"], "running");
    // It reads again, and hears what counts still: the first readiness, and the newest status.
    ASSERT_TRUE(counts(manager, "READY=1", 1)) << read_file(console);
    EXPECT_TRUE(hears(manager, "STATUS=generation 2: "));
    EXPECT_EQ(manager.count("READY=1"), 1U);
    // And full once more: a stop does not wait either.
    ASSERT_GT(stuff(address), 0U);
    stop(supervisor);
}

TEST_P(Service, AManagerThatIsNotThereIsNamedOnce) {
    auto supervisor = serve({"--watch"}, plain());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_TRUE(wait_for("the service manager can't be told: notify " + address));
    stop(supervisor);
    EXPECT_EQ(said("can't be told"), 1) << read_file(console);
}

}  // namespace
}  // namespace oneloop::test
