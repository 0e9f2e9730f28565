// Who polls and who only serves: the real program, with and without the flag and the locks.
#include <signal.h>
#include <unistd.h>

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
    // Started by hand beside it: refused, and told who holds the job.
    Worker second = start({"--standalone", "--config", config("a")});
    EXPECT_EQ(second.process.wait(limit), (ExitStatus{exit_running, 0}));
    EXPECT_THAT(second.output(), HasSubstr("generation 7 of the supervisor's instance i-1"));
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
    // Three requests a tick, never more than two at a time: nobody polled beside anybody.
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
    EXPECT_EQ(simulator_.counter("total") - total, 3 * other.ticks());
    EXPECT_THAT(worker.output(), HasSubstr("polling ended for good"));
}

}  // namespace
}  // namespace oneloop
