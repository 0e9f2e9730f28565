// What a worker is handed stays with the worker: what it starts sees none of the descriptors, and
// can't take itself for the one that the sockets are for. And what the supervisor itself inherited
// reaches nobody.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/support/server_fixture.h"

namespace oneloop::test {
namespace {

class Handed : public ServerFixture {
  protected:
    // As one finds it below a reloader or a service manager.
    Handed() {
        put("report.py");
        for (const auto& [name, value] : inherited)
            ::setenv(name, value, 1);
    }
    ~Handed() override {
        for (const auto& entry : inherited)
            ::unsetenv(entry.first);
    }
    Handed(const Handed&) = delete;
    Handed& operator=(const Handed&) = delete;

    [[nodiscard]] nlohmann::json report_of(const Words& options) const {
        auto supervisor = supervise(options, {"/usr/bin/python3", "report.py", report});
        EXPECT_TRUE(wait_until([&] { return !read_file(report).empty(); }, seconds(30)))
            << read_file(console);
        auto result = nlohmann::json::parse(read_file(report));
        stop(supervisor);
        return result;
    }

    static constexpr std::pair<const char*, const char*> inherited[] = {
        {"WERKZEUG_SERVER_FD", "99"}, {"WERKZEUG_RUN_MAIN", "true"}, {"RUN_MAIN", "true"},
        {"LISTEN_FDS", "7"},          {"LISTEN_PID", "1"},           {"LISTEN_FDNAMES", "theirs"},
        {"ONELOOP_LOCK_FD", "98"},    {"ONELOOP_RUN_MAIN", "false"},
    };
    const std::string report = dir.file("report");
};

TEST_F(Handed, AWorkerHasItsSocketsAndItsLockAndNothingElse) {
    for (const char* how : {"auto", "subreaper"}) {
        isolation = how;
        write_file(report, "");
        const auto seen = report_of(on_port({"--watch"}));
        const auto& fds = seen["fds"];
        EXPECT_EQ(fds["3"].get<std::string>().find("socket:["), 0U) << fds;
        const auto lock = seen["environment"]["ONELOOP_LOCK_FD"].get<std::string>();
        ASSERT_TRUE(fds.contains(lock)) << lock << " " << fds;
        EXPECT_EQ(fds[lock], state + "/worker.lock") << fds;
        EXPECT_EQ(fds.size(), 5U) << "the standard ones, the socket and the lock: " << fds;
    }
}

TEST_F(Handed, WhatAWorkerStartsHasNoneOfIt) {
    for (const char* how : {"auto", "subreaper"}) {
        isolation = how;
        write_file(report, "");
        const auto seen = report_of(on_port({"--watch"}));
        const auto& child = seen["child"];
        for (const auto& entry : child["fds"].items())
            EXPECT_LE(std::stoi(entry.key()), 2) << child["fds"];
        // sd_listen_fds(3): the sockets are for the one whose pid this is.
        EXPECT_EQ(seen["environment"]["LISTEN_PID"], std::to_string(seen["pid"].get<int>()));
        EXPECT_NE(child["environment"]["LISTEN_PID"], std::to_string(child["pid"].get<int>()));
    }
}

TEST_F(Handed, WhatTheSupervisorInheritedReachesNobody) {
    const auto seen = report_of({"--watch"})["environment"];
    for (const char* name : {"WERKZEUG_SERVER_FD", "WERKZEUG_RUN_MAIN", "RUN_MAIN", "LISTEN_FDS",
                             "LISTEN_PID", "LISTEN_FDNAMES"}) {
        EXPECT_FALSE(seen.contains(name)) << name;
    }
    EXPECT_EQ(seen["ONELOOP_RUN_MAIN"], "true");
    EXPECT_NE(seen["ONELOOP_LOCK_FD"], "98");
}

TEST_F(Handed, ControlWithoutASupervisorItReachesTheWorker) {
    auto alone = start({"/usr/bin/python3", "report.py", report});
    ASSERT_TRUE(wait_until([&] { return !read_file(report).empty(); }, seconds(30)));
    const auto seen = nlohmann::json::parse(read_file(report))["environment"];
    for (const auto& [name, value] : inherited)
        EXPECT_EQ(seen[name], value);
    leftovers_expected = true;
}

}  // namespace
}  // namespace oneloop::test
