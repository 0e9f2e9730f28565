// The life of the real program: start, sockets, errors, restart and stop.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <filesystem>

#include "common/exit_status.h"
#include "tests/support/worker_fixture.h"

namespace oneloop {
namespace {

using namespace std::chrono_literals;
using test::limit;
using test::wait_until;
using test::WorkerTest;
using testing::HasSubstr;
using testing::Not;

TEST_F(WorkerTest, ARestartAnnouncesNothingAgain) {
    const std::string file = config("a");
    {
        Worker worker = serving({"--standalone", "--config", file});
        ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 1; }, limit));
        EXPECT_THAT(worker.output(), HasSubstr("ev=event.opened"));
        worker.process.signal(SIGTERM);
        EXPECT_EQ(worker.process.wait(limit), ExitStatus{});
    }
    const Worker worker = serving({"--standalone", "--config", file});
    EXPECT_TRUE(wait_until([&] { return worker.polls(); }, limit));
    EXPECT_THAT(worker.status(), HasSubstr("\"open\":true"));  // at once, from the ledger
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 2; }, limit));
    EXPECT_THAT(worker.output(), Not(HasSubstr("ev=event.opened")));
}

TEST_F(WorkerTest, AStopWithARequestInFlightIsQuick) {
    simulator_.set_mode("hang");
    for (const int signal : {SIGTERM, SIGINT}) {
        const std::string file = config("a" + std::to_string(signal));
        test::write_file(
            file, test::read_file(file) + "[host.\"127.0.0.1\"]\ntimeout = \"2s\"\nretries = 0\n");
        Worker worker = serving({"--standalone", "--config", file});
        // The first date in vain, and then two at a time.
        ASSERT_TRUE(wait_until([&] { return simulator_.counter("running") >= 2; }, limit));
        const auto began = std::chrono::steady_clock::now();
        worker.process.signal(signal);
        EXPECT_EQ(worker.process.wait(limit), ExitStatus{});
        EXPECT_LT(std::chrono::steady_clock::now() - began, 500ms);
        ASSERT_TRUE(wait_until([&] { return simulator_.counter("running") == 0; }, limit));
    }
}

TEST_F(WorkerTest, AHangUpIsIgnored) {
    const Worker worker = serving({"--standalone", "--config", config("a")});
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 1; }, limit));
    worker.process.signal(SIGHUP);
    const long before = worker.ticks();
    EXPECT_TRUE(wait_until([&] { return worker.ticks() > before; }, limit));
}

TEST_F(WorkerTest, APortInUseNamesItsHolder) {
    const Worker first = serving({"--config", config("a")});
    Worker second = start({"--config", config("b", "127.0.0.1:" + std::to_string(first.port()))});
    EXPECT_EQ(second.process.wait(limit), (ExitStatus{exit_unavailable, 0}));
    EXPECT_THAT(second.output(),
                HasSubstr("Address already in use (held by pid " +
                          std::to_string(first.process.pid()) + ": " + ONELOOP_WORKER));
}

TEST_F(WorkerTest, AHandedOverSocketIsServedInsteadOfBinding) {
    const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener.get(), 8), 0);
    ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    const int inherited = ::fcntl(listener.get(), F_DUPFD, 10);  // without close-on-exec
    // $$ stays the same through exec: what a warden writes after fork.
    const Worker worker{test::Process(
        {{"/bin/bash", "-c",
          "exec 3<&" + std::to_string(inherited) + "; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"", "sh",
          ONELOOP_WORKER, "--config", config("a", "127.0.0.1:1")},
         dir_.path(),
         {},
         dir_.file("out")})};
    ::close(inherited);
    ASSERT_TRUE(wait_until([&] { return worker.port() != 0; }, limit)) << worker.output();
    EXPECT_EQ(worker.port(), ntohs(address.sin_port));
    EXPECT_EQ(test::http_get(worker.port(), "/status").code, 200);
    EXPECT_THAT(worker.output(), HasSubstr("handed over"));
}

TEST_F(WorkerTest, SocketsForAnotherProcessAreNotTaken) {
    const Worker worker =
        serving({"--config", config("a")}, {{"LISTEN_FDS", "1"}, {"LISTEN_PID", "1"}});
    EXPECT_THAT(worker.output(), Not(HasSubstr("handed over")));
}

TEST_F(WorkerTest, CommandLineAndConfigurationErrorsHaveTheirExitCodes) {
    const std::string bad = dir_.file("bad.toml");
    test::write_file(bad, "version = 1\nlanguag = \"ko\"\n");
    const std::string good = config("a");
    struct Case {
        std::vector<std::string> arguments;
        int code;
        std::string says;
    };
    const Case cases[] = {
        {{"--help"}, 0, "--standalone"},
        {{"--version"}, 0, "worker "},
        {{"--check", "--config", good}, 0, ""},
        {{"--check", "--config", bad}, exit_config, bad + ":2:1: unknown key 'languag'"},
        {{"--config", bad}, exit_config, bad + ":2:1: unknown key 'languag'"},
        {{"--config", dir_.file("none")}, exit_config, dir_.file("none") + ": can't be read"},
        {{"--konfig"}, exit_usage, "--konfig"},
        {{"--config"}, exit_usage, "--config"},
        {{"surplus"}, exit_usage, "surplus"},
    };
    for (const Case& c : cases) {
        Worker worker = start(c.arguments);
        EXPECT_EQ(worker.process.wait(limit), (ExitStatus{c.code, 0})) << c.arguments[0];
        EXPECT_THAT(worker.output(), HasSubstr(c.says));
        if (c.code == exit_usage) {
            const std::string said = worker.output();
            EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
        }
    }
    EXPECT_EQ(simulator_.counter("total"), 0);
}

TEST_F(WorkerTest, AStateFileThatIsNoneIsKeptUnderAnotherNameAndSaid) {
    const std::string state = dir_.file("a.db");
    test::write_file(state, "my notes");
    Worker worker = start({"--standalone", "--config", config("a")});
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 1; }, limit)) << worker.output();
    EXPECT_THAT(worker.output(), HasSubstr("set aside as " + state + ".set-aside-"));
    int kept = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path()))
        kept += entry.path().string().starts_with(state + ".set-aside-") &&
                test::read_file(entry.path()) == "my notes";
    EXPECT_EQ(kept, 1);
}

TEST_F(WorkerTest, EveryBadDayOfTheServerHasItsName) {
    const Worker worker = serving({"--standalone", "--config", config("a")});
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 1; }, limit));
    for (const auto& [mode, source] :
         {std::pair{"shape", "shape"}, {"bom", "ok"}, {"reset", "down"}}) {
        simulator_.set_mode(mode);
        const std::string wanted = std::string("\"source\":\"") + source + "\"";
        EXPECT_TRUE(
            wait_until([&] { return worker.status().find(wanted) != std::string::npos; }, limit))
            << mode << worker.status();
    }
}

}  // namespace
}  // namespace oneloop
