// A process that is killed at every step of a delivery, with a real exchange underneath.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/deliverer_fixture.h"
#include "tests/support/receivers.h"

namespace oneloop::worker::test_deliverer {
namespace {

using test::Receiver;

// Where a process is killed.
enum class Point { before_arm, after_arm, before_settled, after_settled };

class CrashTest : public DelivererTest {
  protected:
    CrashTest() { channels_[0].url.value = "smtp://127.0.0.1:" + std::to_string(server_.port()); }

    // A process that delivers and is killed with SIGKILL at `point`. `arms` false: as senders are
    // usually written, which note what they have sent afterwards.
    void crash_at(Point point, bool arms = true) {
        const pid_t child = ::fork();
        if (child == 0) {
            const auto die = [&](Point here) {
                if (here == point) ::kill(::getpid(), SIGKILL);
            };
            Deliverer::Parts parts = usual();
            parts.send = [&](const Channel& channel, const Parcel& parcel, const Hooks& hooks,
                             const std::stop_token& stop) {
                Hooks wrapped;
                wrapped.arm = [&] {
                    die(Point::before_arm);
                    const bool good = !arms || hooks.arm();
                    die(Point::after_arm);
                    return good;
                };
                wrapped.settled = [&](const Outcome& outcome) {
                    die(Point::before_settled);
                    hooks.settled(outcome);
                    die(Point::after_settled);
                };
                send_mail(channel, parcel, wrapped, stop);
            };
            Deliverer deliverer(channels_, OutboxStore(path_), std::move(parts));
            drain(deliverer);
            ::_exit(1);  // was to be killed
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    // The next start, with time for everything that is planned.
    void start_again() {
        Deliverer::Parts parts = usual();
        parts.send = send_mail;
        Deliverer deliverer(channels_, OutboxStore(path_), std::move(parts));
        for (int i = 0; i < 3; ++i) {
            drain(deliverer);
            now_ += 1min;
        }
    }

    Receiver server_ = Receiver::scripted("smtp_script.py", "accept");
};

TEST_F(CrashTest, KilledAtEachStepNothingIsLostAndACopyIsNamed) {
    const struct {
        Point point;
        std::size_t accepted;
        std::uint64_t doubtful;
    } expected[] = {{Point::before_arm, 1, 0},
                    {Point::after_arm, 1, 1},
                    {Point::before_settled, 2, 1},
                    {Point::after_settled, 1, 0}};
    std::size_t before = 0;
    std::uint64_t doubts = 0;
    for (const auto& [point, accepted, doubtful] : expected) {
        const std::string key = "k" + std::to_string(static_cast<int>(point));
        put({{key, "me"}});
        crash_at(point);
        start_again();
        const auto kept = server_.accepted();
        EXPECT_EQ(kept.size() - before, accepted) << key;
        for (std::size_t i = before; i < kept.size(); ++i)
            EXPECT_EQ(kept[i], kept[before]) << "the copies differ";
        EXPECT_EQ(phase(key), Phase::sent) << key;
        EXPECT_EQ(counts_.doubtful - doubts, doubtful) << key;
        before = kept.size();
        doubts = counts_.doubtful;
    }
}

TEST_F(CrashTest, UnderSkipThereIsNeverACopy) {
    channels_[0].rule.on_uncertain = OnUncertain::skip;
    put({{"a", "me"}});
    crash_at(Point::after_arm);
    start_again();
    EXPECT_EQ(server_.accepted().size(), 0U);  // lost, and named
    EXPECT_EQ(phase("a"), Phase::skipped);
    put({{"b", "me"}});
    crash_at(Point::before_settled);
    start_again();
    EXPECT_EQ(server_.accepted().size(), 1U);
    EXPECT_EQ(phase("b"), Phase::skipped);
    EXPECT_EQ(counts_.doubtful, 2U);
}

TEST_F(CrashTest, ControlWhoNotesAfterwardsDoublesAndKnowsNothing) {
    put({{"a", "me"}});
    crash_at(Point::before_settled, false);
    start_again();
    EXPECT_EQ(server_.accepted().size(), 2U);
    EXPECT_EQ(phase("a"), Phase::sent);
    EXPECT_EQ(counts_.doubtful, 0U);
}

}  // namespace
}  // namespace oneloop::worker::test_deliverer
