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

std::string leader(int port) {
    return test::http_get(port, "/api/v1/leader").body;
}
// Of /metrics; -1: there is no such line.
long metric(int port, const std::string& series) {
    const std::string text = test::http_get(port, "/metrics").body;
    const auto found = text.find("\n" + series + " ");
    return found == std::string::npos ? -1 : std::atol(text.c_str() + found + series.size() + 2);
}
long prevented(int port, const std::string& reason) {
    return metric(port, "oneloop_duplicates_prevented_total{reason=\"" + reason + "\"}");
}

TEST_F(WorkerTest, WithoutTheFlagItServesAndDoesNotPoll) {
    const Worker worker = serving({"--config", config("a")});
    expect_never_polls(worker, "ONELOOP_RUN_MAIN is not set");
    EXPECT_EQ(prevented(worker.port(), "not_the_worker"), 1);
    EXPECT_THAT(leader(worker.port()), HasSubstr("\"lease_left_ms\":0,\"standbys\":[]"));
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

TEST_F(WorkerTest, ItsRequestsAreTheOnesThatTheCinemaSaw) {
    const Worker worker = serving({"--standalone", "--config", config("a")});
    const std::string host = simulator_.url().substr(std::string("http://").size());
    const std::string good = "oneloop_http_requests_total{host=\"" + host + "\",code=\"200\"}";
    const auto agree = [&] {
        const long seen = simulator_.counter("total");
        return seen >= 6 && metric(worker.port(), good) == seen &&
               simulator_.counter("total") == seen;
    };
    EXPECT_TRUE(wait_until(agree, limit));
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
    EXPECT_EQ(prevented(first.port(), "second_start"), 0);
    Worker second = start({"--standalone", "--config", file});
    EXPECT_EQ(second.process.wait(limit), (ExitStatus{exit_running, 0}));
    // The one that runs knows of it.
    EXPECT_EQ(prevented(first.port(), "second_start"), 1);
    EXPECT_EQ(test::number_in(leader(first.port()), "duplicates_prevented"), 1);
    EXPECT_TRUE(wait_until(
        [&] { return test::number_in(first.status(), "duplicates_prevented") == 1; }, limit));
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
    // Both say who waits, and for what.
    const std::string waits =
        "\"standbys\":[{\"pid\":" + std::to_string(second.process.pid()) + ",\"since\":\"";
    EXPECT_THAT(leader(first.port()), HasSubstr("\"lease_left_ms\":null," + waits));
    EXPECT_THAT(leader(second.port()), HasSubstr("\"lease_left_ms\":0," + waits));
    EXPECT_EQ(prevented(first.port(), "second_instance"), 1);
    EXPECT_EQ(prevented(second.port(), "second_instance"), 1);
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
    EXPECT_THAT(leader(second.port()), HasSubstr("\"lease_left_ms\":null,\"standbys\":[]"));
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
