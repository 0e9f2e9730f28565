// --build: a build is contained as a generation is, and is handed nothing of a worker's.
#include "tests/support/build_fixture.h"

namespace oneloop::test {
namespace {

class BuildContained : public Build, public testing::WithParamInterface<const char*> {
  protected:
    BuildContained() { isolation = GetParam(); }
};

TEST_P(BuildContained, NothingOfABuildOutlivesAKilledSupervisor) {
    write_file(source, "quick");
    const std::string build = "grep -q quick app.py || { setsid sleep 1000 & sleep 1000; }";
    auto supervisor = supervise({"--watch", "--build", build}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    write_file(source, "slow");
    ASSERT_TRUE(wait_until([&] { return living(mark, is_sleeper).size() >= 2; }, seconds(10)));
    supervisor.signal(SIGKILL);
    EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, seconds(5)));
}

TEST_P(BuildContained, AKilledWardenOfABuildTakesItsTreeAndNotTheWorker) {
    write_file(source, "quick");
    const std::string build = "grep -q quick app.py || { setsid sleep 1000 & sleep 1000; }";
    auto supervisor = supervise({"--watch", "--build", build}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    const pid_t old = worker();
    write_file(source, "slow");
    ASSERT_TRUE(wait_until([&] { return living(mark, is_sleeper).size() >= 2; }, seconds(10)));
    const auto wardens = living(mark, is_build_warden);
    ASSERT_EQ(wardens.size(), 1U);
    ::kill(wardens[0].pid, SIGKILL);
    EXPECT_TRUE(wait_until([&] { return living(mark, is_sleeper).empty(); }, seconds(5)));
    ASSERT_TRUE(wait_for("build failed")) << read_file(console);
    EXPECT_EQ(worker(), old);
    write_file(source, "quick");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(supervisor);
}

TEST_P(BuildContained, AKilledWardenOfTheWorkerDoesNotTouchTheBuild) {
    write_file(source, "quick");
    const std::string build =
        "echo build >> ../builds; grep -q quick app.py || while [ ! -e ../go ]; do sleep 0.05; "
        "done";
    auto supervisor = supervise({"--watch", "--build", build}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    write_file(source, "slow");
    ASSERT_TRUE(wait_until([&] { return builds() == 2; }, seconds(10)));
    for (const auto& warden : living(mark, is_warden)) {
        if (!is_build_warden(warden)) ::kill(warden.pid, SIGKILL);
    }
    EXPECT_TRUE(wait_until([&] { return living(mark, is_worker).empty(); }, seconds(5)));
    write_file(dir.file("go"), "");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(said("build failed"), 0);
    EXPECT_EQ(builds(), 2) << "the same build went on to its end";
    stop(supervisor);
}

INSTANTIATE_TEST_SUITE_P(, BuildContained, testing::Values("auto", "subreaper"));

TEST_F(Build, NothingOfAWorkersReachesABuildOrACheck) {
    const std::string tell = "env > ../NAME.env; ls -l /proc/self/fd > ../NAME.fds";
    const auto named = [&](const std::string& name) {
        std::string line = tell;
        for (auto at = line.find("NAME"); at != std::string::npos; at = line.find("NAME"))
            line.replace(at, 4, name);
        return line;
    };
    const auto command = probe();
    std::string worker_line = named("worker") + "; exec";
    for (const auto& part : command)
        worker_line += " '" + part + "'";
    // What an outer supervisor handed to ours is not to be inherited either.
    std::vector<std::string> all = {"env",
                                    "WERKZEUG_RUN_MAIN=true",
                                    "LISTEN_FDS=1",
                                    "ONELOOP_GENERATION=7",
                                    ONELOOP_SUPERVISOR,
                                    "--watch",
                                    "--socket",
                                    "127.0.0.1:0",
                                    "--build",
                                    named("build"),
                                    "--check",
                                    named("check"),
                                    "--state-dir",
                                    state,
                                    "--",
                                    "sh",
                                    "-c",
                                    worker_line};
    auto supervisor = start(all);
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    for (const char* name : {"build", "check"}) {
        const std::string env = read_file(dir.file(name) + ".env");
        EXPECT_GE(count(env, "PATH="), 1) << name;
        for (const char* variable : {"LISTEN_", "ONELOOP_RUN", "ONELOOP_LOCK", "ONELOOP_GEN",
                                     "ONELOOP_INST", "ONELOOP_PID", "WERKZEUG_", "NOTIFY_SOCKET"}) {
            EXPECT_EQ(count(env, variable), 0) << name << env;
        }
        const std::string fds = read_file(dir.file(name) + ".fds");
        for (const char* what : {"socket:", "inotify", "worker.lock", "supervisor.lock", "pidfd",
                                 "eventpoll", "signalfd"}) {
            EXPECT_EQ(count(fds, what), 0) << name << fds;
        }
    }
    // The same look at the worker finds them.
    EXPECT_EQ(count(read_file(dir.file("worker.env")), "ONELOOP_LOCK_FD="), 1);
    EXPECT_EQ(count(read_file(dir.file("worker.fds")), "worker.lock"), 1);
    EXPECT_EQ(count(read_file(dir.file("worker.fds")), "socket:"), 1);
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
