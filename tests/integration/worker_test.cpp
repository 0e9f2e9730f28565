// The real program against the real simulator: who polls, who only serves, and what both say.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "common/exit_status.h"
#include "common/lock_file.h"
#include "tests/support/simulator.h"
#include "tests/support/wait.h"

namespace oneloop {
namespace {

using namespace std::chrono_literals;
using test::wait_until;
using testing::HasSubstr;
using testing::Not;

// Instead of a guess how long "never" is: some ticks of another, real worker go by meanwhile.
constexpr auto limit = 20s;
using Environment = std::vector<std::pair<std::string, std::string>>;

class WorkerTest : public testing::Test {
  protected:
    // Configuration for a job of this name, its state in this test's directory.
    std::string config(const std::string& job, const std::string& listen = "127.0.0.1:0") {
        const std::string path = dir_.file(job + ".toml");
        test::write_file(
            path,
            "version = 1\njob = \"" + job + "\"\nstate = \"" + job + ".db\"\n[http]\nlisten = \"" +
                listen + "\"\n[log]\nformat = \"logfmt\"\n[preset.megabox]\nserver = \"" +
                simulator_.url() + "\"\n[[watch]]\nid = \"w\"\nevery = \"1s\"\n" +
                "dates = { next = 2 }\nsource = { preset = \"megabox\", branch = \"7011\" }\n");
        return path;
    }

    struct Worker {
        test::Process process;
        [[nodiscard]] std::string output() const { return process.output(); }
        [[nodiscard]] int port() const {
            const std::string text = output();
            const std::string said = "serving http://127.0.0.1:";
            const auto found = text.find(said);
            return found == std::string::npos ? 0 : std::atoi(text.c_str() + found + said.size());
        }
        [[nodiscard]] std::string status() const { return test::http_get(port(), "/status").body; }
        [[nodiscard]] long ticks() const { return test::number_in(status(), "tick"); }
        [[nodiscard]] bool polls() const {
            return status().find("\"polling\":true") != std::string::npos;
        }
    };

    Worker start(std::vector<std::string> arguments, const Environment& environment = {}) {
        arguments.insert(arguments.begin(), ONELOOP_WORKER);
        return {test::Process({std::move(arguments), dir_.path(), environment,
                               dir_.file("out" + std::to_string(++count_))})};
    }
    Worker serving(const std::vector<std::string>& arguments, const Environment& environment = {}) {
        Worker worker = start(arguments, environment);
        EXPECT_TRUE(wait_until([&] { return worker.port() != 0; }, limit)) << worker.output();
        return worker;
    }

    // What a supervisor's warden would hand over. The descriptor survives exec until it is closed.
    struct HandedOver {
        LockFile lock;
        Environment environment;
    };
    HandedOver hand_over(const std::string& instance = "i-1") {
        const std::string directory = dir_.file("instance" + std::to_string(++count_));
        EXPECT_TRUE(make_private_directory(directory));
        auto lock = LockFile::open(directory + "/worker.lock");
        EXPECT_TRUE(lock && lock->try_lock().value());
        LockRecord record;
        record.pid = ::getpid();
        record.generation = 7;
        record.instance = "i-1";
        EXPECT_TRUE(lock->write(record));
        set_cloexec(lock->fd(), false);
        Environment environment = {{"ONELOOP_RUN_MAIN", "true"},
                                   {"ONELOOP_LOCK_FD", std::to_string(lock->fd())},
                                   {"ONELOOP_INSTANCE", instance},
                                   {"ONELOOP_GENERATION", "7"}};
        return {std::move(*lock), std::move(environment)};
    }

    // `idle` serves, and while another worker polls it never does.
    void expect_never_polls(const Worker& idle, const std::string& why) {
        EXPECT_TRUE(wait_until(
            [&] { return idle.output().find("serving, not polling: ") != std::string::npos; },
            limit));
        EXPECT_THAT(idle.output(), HasSubstr(why));
        EXPECT_THAT(idle.status(), HasSubstr("\"polling\":false"));
        EXPECT_THAT(idle.status(), HasSubstr(why));
        EXPECT_EQ(test::http_get(idle.port(), "/healthz").code, 503);
        EXPECT_EQ(simulator_.counter("total"), 0);
        // The negative control and the clock in one: this one polls as soon as it is started, and
        // so would have `idle`.
        const Worker control = serving({"--standalone", "--config", config("control")});
        EXPECT_TRUE(wait_until([&] { return control.ticks() >= 1; }, limit));
        EXPECT_EQ(idle.ticks(), 0);
        EXPECT_THAT(idle.output(), Not(HasSubstr("tick.done")));
    }

    test::TempDir dir_;
    test::Simulator simulator_{"open"};
    int count_ = 0;
};

TEST_F(WorkerTest, WithoutTheFlagItServesAndDoesNotPoll) {
    const Worker worker = serving({"--config", config("a")});
    expect_never_polls(worker, "ONELOOP_RUN_MAIN is not set");
    EXPECT_NE(::access(dir_.file("a.db").c_str(), F_OK), 0);  // and leaves the state alone
}

TEST_F(WorkerTest, TheFlagAloneIsNotEnough) {
    const Worker worker = serving({"--config", config("a")}, {{"ONELOOP_RUN_MAIN", "true"}});
    expect_never_polls(worker, "no lock was handed over");
}

TEST_F(WorkerTest, ADescriptorThatIsNoLockIsNotEnough) {
    const Worker worker = serving({"--config", config("a")},
                                  {{"ONELOOP_RUN_MAIN", "true"}, {"ONELOOP_LOCK_FD", "2"}});
    expect_never_polls(worker, "not real");
}

TEST_F(WorkerTest, AClosedDescriptorIsNotEnough) {
    const Worker worker = serving({"--config", config("a")},
                                  {{"ONELOOP_RUN_MAIN", "true"}, {"ONELOOP_LOCK_FD", "999"}});
    expect_never_polls(worker, "not real");
}

TEST_F(WorkerTest, ALockThatSomebodyElseHoldsIsNotEnough) {
    HandedOver held = hand_over();
    set_cloexec(held.lock.fd(), true);
    const UniqueFd stranger(::open(held.lock.path().c_str(), O_RDWR));  // not close-on-exec
    for (auto& [name, value] : held.environment) {
        if (name == "ONELOOP_LOCK_FD") value = std::to_string(stranger.get());
    }
    const Worker worker = serving({"--config", config("a")}, held.environment);
    expect_never_polls(worker, "held by another process");
}

TEST_F(WorkerTest, TheLockOfAnotherInstanceIsNotEnough) {
    const HandedOver held = hand_over("i-2");
    const Worker worker = serving({"--config", config("a")}, held.environment);
    expect_never_polls(worker, "belongs to another instance");
}

TEST_F(WorkerTest, AReplacedLockFileIsNotEnough) {
    const HandedOver held = hand_over();
    ASSERT_EQ(::unlink(held.lock.path().c_str()), 0);
    const Worker worker = serving({"--config", config("a")}, held.environment);
    expect_never_polls(worker, "not real");
}

TEST_F(WorkerTest, WithFlagAndLockItPolls) {
    const HandedOver held = hand_over();
    const Worker worker = serving({"--config", config("a")}, held.environment);
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 2; }, limit)) << worker.output();
    const std::string status = worker.status();
    EXPECT_THAT(status, HasSubstr("\"instance\":\"i-1\""));
    EXPECT_THAT(status, HasSubstr("\"generation\":7"));
    EXPECT_THAT(status, HasSubstr("\"polling\":true"));
    EXPECT_THAT(status, HasSubstr("\"open\":true"));
    EXPECT_THAT(status, HasSubstr("\"restSeatCnt\":"));
    EXPECT_EQ(test::http_get(worker.port(), "/healthz").code, 200);
    EXPECT_THAT(worker.output(), HasSubstr("ev=event.opened"));
}

TEST_F(WorkerTest, TheEnvironmentOfWhatItStartsIsClean) {
    const HandedOver held = hand_over();
    const Worker worker = serving({"--config", config("a")}, held.environment);
    ASSERT_TRUE(wait_until([&] { return worker.polls(); }, limit));
    // The lock is close-on-exec in the worker: FD_CLOEXEC is 02000000 in fdinfo (proc(5)).
    const std::string info = test::read_file("/proc/" + std::to_string(worker.process.pid()) +
                                             "/fdinfo/" + std::to_string(held.lock.fd()));
    EXPECT_THAT(info, HasSubstr("flags:\t02"));
}

TEST_F(WorkerTest, ASecondStandaloneIsRefusedAndNamesTheHolder) {
    const std::string file = config("a");
    const Worker first = serving({"--standalone", "--config", file});
    ASSERT_TRUE(wait_until([&] { return first.polls(); }, limit));
    Worker second = start({"--standalone", "--config", file});
    EXPECT_EQ(second.process.wait(limit), (ExitStatus{exit_running, 0}));
    EXPECT_THAT(second.output(),
                HasSubstr("already running: pid " + std::to_string(first.process.pid())));
    EXPECT_THAT(second.output(), HasSubstr("--standalone --config"));
    EXPECT_THAT(second.output(), HasSubstr("since 20"));
}

TEST_F(WorkerTest, ASupervisedWorkerWaitsForTheJobAndTakesOver) {
    const std::string file = config("a");
    const HandedOver held = hand_over();
    Worker first = serving({"--standalone", "--config", file});
    ASSERT_TRUE(wait_until([&] { return first.ticks() >= 1; }, limit));
    const Worker second = serving({"--config", file}, held.environment);
    const std::string holder = "pid " + std::to_string(first.process.pid());
    ASSERT_TRUE(
        wait_until([&] { return second.status().find(holder) != std::string::npos; }, limit));
    EXPECT_FALSE(second.polls());
    // While the first goes on, the second has not polled once.
    const long before = first.ticks();
    ASSERT_TRUE(wait_until([&] { return first.ticks() >= before + 2; }, limit));
    EXPECT_EQ(second.ticks(), 0);
    const std::string said = second.output();
    const auto once = said.find("serving, not polling");
    EXPECT_NE(once, std::string::npos);
    EXPECT_EQ(said.find("serving, not polling", once + 1), std::string::npos);

    first.process.signal(SIGKILL);
    ASSERT_TRUE(wait_until([&] { return second.polls() && second.ticks() >= 1; }, limit));
    // Two requests a tick, never more than two at a time: nobody polled beside anybody.
    EXPECT_LE(simulator_.counter("concurrent_max"), 2);
    EXPECT_THAT(second.output(), Not(HasSubstr("event.opened")));  // the first had said it
}

// The negative control of the test above: two jobs are two loops, and the counters see it.
TEST_F(WorkerTest, TwoJobsPollBesideEachOther) {
    simulator_.set_mode("slow");
    const Worker first = serving({"--standalone", "--config", config("a")});
    const Worker second = serving({"--standalone", "--config", config("b")});
    EXPECT_TRUE(wait_until([&] { return simulator_.counter("concurrent_max") > 2; }, limit));
}

TEST_F(WorkerTest, AWorkerWhoseLockFileIsReplacedStopsPollingForGood) {
    const Worker worker = serving({"--standalone", "--config", config("a")});
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 1; }, limit));
    ASSERT_EQ(::unlink(dir_.file("a.db.lock").c_str()), 0);
    ASSERT_TRUE(wait_until([&] { return !worker.polls(); }, limit));
    EXPECT_THAT(worker.status(), HasSubstr("a.db.lock was deleted or replaced"));
    const long total = simulator_.counter("total");
    const Worker other = serving({"--standalone", "--config", config("b")});
    ASSERT_TRUE(wait_until([&] { return other.ticks() >= 2; }, limit));
    EXPECT_EQ(simulator_.counter("total") - total, 2 * other.ticks());
    EXPECT_THAT(worker.output(), HasSubstr("polling ended for good"));
}

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
        Worker worker = serving({"--standalone", "--config", config("a" + std::to_string(signal))});
        ASSERT_TRUE(wait_until([&] { return simulator_.counter("running") == 2; }, limit));
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
                HasSubstr("Address already in use, by pid " + std::to_string(first.process.pid()) +
                          " (" + ONELOOP_WORKER));
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

TEST_F(WorkerTest, AForeignStateFileIsNamedAndKept) {
    test::write_file(dir_.file("a.db"), "my notes");
    Worker worker = start({"--standalone", "--config", config("a")});
    EXPECT_EQ(worker.process.wait(limit), (ExitStatus{exit_config, 0}));
    EXPECT_THAT(worker.output(), HasSubstr(dir_.file("a.db")));
    EXPECT_EQ(test::read_file(dir_.file("a.db")), "my notes");
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
