// notify: what a service manager gets, and that nothing of it is left in our environment.
#include "common/notify.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "common/flag.h"
#include "tests/support/datagram_socket.h"
#include "tests/unit/environment.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

using test::DatagramSocket;
using test::ScopedEnv;

TEST(Notify, without_a_socket_nobody_is_told_and_that_is_no_error) {
    const ScopedEnv socket(flag::notify_socket, std::nullopt);
    const ServiceManager manager = find_service_manager();
    EXPECT_FALSE(manager.listens());
    EXPECT_TRUE(tell(manager, notify::ready));
    const ScopedEnv empty(flag::notify_socket, "");
    EXPECT_FALSE(find_service_manager().listens());
}

TEST(Notify, lines_arrive_and_the_environment_stays_clean) {
    const test::TempDir dir;
    for (const std::string& address :
         {dir.path() + "/notify", "@oneloop-notify-test-" + std::to_string(::getpid())}) {
        DatagramSocket manager_end(address);
        ServiceManager manager;
        manager.socket = address;
        const ScopedEnv socket(flag::notify_socket, std::nullopt);
        ASSERT_TRUE(tell(manager, notify::ready + std::string("\n") + notify::status("a\nb")));
        EXPECT_EQ(manager_end.next(), "READY=1\nSTATUS=a b");
        EXPECT_EQ(std::getenv(flag::notify_socket), nullptr);
    }
}

TEST(Notify, reloading_says_since_when) {
    EXPECT_EQ(notify::reloading(SteadyTime(std::chrono::milliseconds(1500))),
              "RELOADING=1\nMONOTONIC_USEC=1500000");
}

TEST(Notify, a_manager_that_does_not_read_is_not_waited_for) {
    const test::TempDir dir;
    const ServiceManager manager{dir.path() + "/notify", {}};
    DatagramSocket manager_end(manager.socket);
    int sent = 0;
    Result<void> told;
    // net.unix.max_dgram_qlen is 10, or 512 with systemd.
    while ((told = tell(manager, notify::watchdog)) && sent < 100'000)
        ++sent;
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, EAGAIN);
    EXPECT_GT(sent, 0);
    EXPECT_EQ(manager_end.all().size(), static_cast<std::size_t>(sent));
    EXPECT_TRUE(tell(manager, notify::watchdog));
}

TEST(Notify, a_manager_that_is_gone_is_an_error_that_names_it) {
    const ServiceManager manager{"/nonexistent/notify", {}};
    const auto told = tell(manager, notify::ready);
    ASSERT_FALSE(told);
    EXPECT_NE(told.error().what.find("/nonexistent/notify"), std::string::npos);
    EXPECT_EQ(std::getenv(flag::notify_socket), nullptr);
}

TEST(Notify, the_watchdog_is_ours_only_when_the_pid_is) {
    const ScopedEnv socket(flag::notify_socket, "/run/notify");
    const ScopedEnv usec(flag::watchdog_usec, "3000000");
    {
        const ScopedEnv pid(flag::watchdog_pid, std::nullopt);
        EXPECT_EQ(find_service_manager().watchdog, std::chrono::seconds(3));
    }
    {
        const ScopedEnv pid(flag::watchdog_pid, std::to_string(::getpid()));
        EXPECT_EQ(find_service_manager().watchdog, std::chrono::seconds(3));
    }
    for (const char* other : {"1", "nonsense", ""}) {
        const ScopedEnv pid(flag::watchdog_pid, other);
        EXPECT_EQ(find_service_manager().watchdog, Duration{}) << other;
        EXPECT_EQ(find_service_manager().socket, "/run/notify");
    }
}

TEST(Notify, a_broken_watchdog_time_is_none) {
    const ScopedEnv socket(flag::notify_socket, "/run/notify");
    const ScopedEnv pid(flag::watchdog_pid, std::nullopt);
    for (const char* text : {"", "0", "-1", "x", "99999999999999999999999"}) {
        const ScopedEnv usec(flag::watchdog_usec, text);
        EXPECT_EQ(find_service_manager().watchdog, Duration{}) << text;
    }
}

}  // namespace
}  // namespace oneloop
