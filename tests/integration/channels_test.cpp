// Webhooks against a receiver that answers as it is told, and programs of the user's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <optional>

#include "tests/support/receivers.h"
#include "tests/support/wait.h"
#include "worker/exec_channel.h"
#include "worker/mailer.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using test::Receiver;
using test::wait_until;
using testing::HasSubstr;
using testing::Not;

const Parcel parcel{"k3y", "", "제목", "{\"text\": \"한글\"}"};

struct Try {
    std::optional<Outcome> outcome;
    int armed = 0;

    [[nodiscard]] std::string word() const {
        if (!outcome) return "nothing";
        if (const auto* accepted = std::get_if<Accepted>(&*outcome))
            return "accepted: " + accepted->reply;
        if (const auto* refused = std::get_if<Refused>(&*outcome))
            return (refused->permanent ? "refused for good: " : "refused for now: ") +
                   refused->reply;
        if (const auto* failed = std::get_if<NotSent>(&*outcome)) return "not sent: " + failed->why;
        if (const auto* unknown = std::get_if<NoAnswer>(&*outcome))
            return "no answer: " + unknown->why;
        return "stopped";
    }
};

Hooks hooks_of(Try& result, bool allow = true) {
    return {[&result, allow] {
                ++result.armed;
                return allow;
            },
            [&result](const Outcome& outcome) { result.outcome = outcome; }};
}

Channel hook(int port) {
    Channel channel;
    channel.kind = Channel::Kind::webhook;
    channel.url.value = "http://127.0.0.1:" + std::to_string(port) + "/hook";
    channel.headers = {{"Authorization", {"Bearer s3cret", "env X"}}};
    channel.timeout = 2s;
    return channel;
}

TEST(Webhook, EveryAnswer) {
    const Receiver server = Receiver::scripted("hook_server.py", "200");
    const struct {
        const char* mode;
        const char* means;
    } ways[] = {
        {"200", "accepted: HTTP 200"},
        {"204", "accepted: HTTP 204"},
        {"302", "refused for good: HTTP 302"},
        {"400", "refused for good: HTTP 400"},
        {"429", "refused for now: HTTP 429"},
        {"500", "refused for now: HTTP 500"},
        {"502", "no answer: HTTP 502"},
        {"close", "no answer: "},
        {"silent", "no answer: "},
    };
    for (const auto& way : ways) {
        server.set_mode(way.mode);
        Try result;
        send_webhook(hook(server.port()), parcel, hooks_of(result), {});
        EXPECT_THAT(result.word(), testing::StartsWith(way.means)) << way.mode;
        EXPECT_EQ(result.armed, 1) << way.mode;
    }
    for (const std::string& line : server.journal()) {
        EXPECT_EQ(line,
                  "POST k3y Bearer s3cret application/json "
                  "\"{\\\"text\\\": \\\"\\ud55c\\uae00\\\"}\"");
    }
}

TEST(Webhook, WhoMayNotArmSendsNoRequest) {
    const Receiver server = Receiver::scripted("hook_server.py", "200");
    Try result;
    send_webhook(hook(server.port()), parcel, hooks_of(result, false), {});
    EXPECT_EQ(result.word(), "stopped");
    Try second;
    Channel put = hook(server.port());
    put.method = "PUT";
    send_webhook(put, parcel, hooks_of(second), {});
    ASSERT_EQ(server.journal().size(), 1U);  // of the second: the first had no end
    EXPECT_THAT(server.journal()[0], HasSubstr("PUT k3y"));
}

TEST(Webhook, NobodyListens) {
    Try result;
    send_webhook(hook(1), parcel, hooks_of(result), {});
    EXPECT_THAT(result.word(), HasSubstr("not sent"));
    EXPECT_EQ(result.armed, 0);
}

class ExecTest : public testing::Test {
  protected:
    ExecTest() { ::signal(SIGPIPE, SIG_IGN); }  // as in the worker

    Try run(const std::string& script, const Parcel& what = parcel) {
        Channel channel;
        channel.kind = Channel::Kind::exec;
        channel.command = {"/bin/sh", "-c", script, "sh", dir_.file("out")};
        channel.timeout = timeout_;
        Try result;
        run_program(channel, {"ONELOOP_TEST_SECRET"}, what, hooks_of(result, allow_));
        return result;
    }

    test::TempDir dir_;
    std::chrono::milliseconds timeout_ = 20s;
    bool allow_ = true;
};

TEST_F(ExecTest, TheMessageIsOnItsInputAndSecretsAreNotInItsEnvironment) {
    ::setenv("ONELOOP_TEST_SECRET", "s3cret", 1);
    EXPECT_EQ(run("cat > $1; env >> $1; echo heard").word(), "accepted: exit 0: heard");
    const std::string out = test::read_file(dir_.file("out"));
    EXPECT_THAT(out, testing::StartsWith(parcel.payload));
    EXPECT_THAT(out, HasSubstr("ONELOOP_MESSAGE_KEY=k3y\n"));
    EXPECT_THAT(out, HasSubstr("ONELOOP_MESSAGE_SUBJECT=제목\n"));
    EXPECT_THAT(out, Not(HasSubstr("s3cret")));
}

TEST_F(ExecTest, AnotherCodeIsARefusalAndASignalIsNoAnswer) {
    EXPECT_EQ(run("echo one; echo two >&2; exit 3").word(), "refused for now: exit 3: two");
    EXPECT_THAT(run("kill -9 $$").word(), HasSubstr("no answer: ended by signal 9"));
}

TEST_F(ExecTest, AProgramThatIsNotThereHasNothing) {
    Channel channel;
    channel.command = {"/nowhere/program"};
    Try result;
    run_program(channel, {}, parcel, hooks_of(result));
    EXPECT_EQ(result.word(), "not sent: /nowhere/program: No such file or directory");
}

TEST_F(ExecTest, ItIsNotStartedWhenItMayNotBeArmed) {
    allow_ = false;
    EXPECT_EQ(run("echo x > $1").word(), "stopped");
    EXPECT_EQ(test::read_file(dir_.file("out")), "");
}

TEST_F(ExecTest, WhoTakesTooLongIsEndedWithItsWholeGroup) {
    timeout_ = 1s;
    EXPECT_THAT(run("sleep 1000 & echo $! > $1; wait").word(), HasSubstr("did not end in time"));
    const int helper = std::atoi(test::read_file(dir_.file("out")).c_str());
    ASSERT_GT(helper, 0);
    // Gone, or a zombie that nobody here may bury.
    EXPECT_TRUE(wait_until(
        [&] {
            const auto stat = test::read_file("/proc/" + std::to_string(helper) + "/stat");
            return stat.empty() || stat.find(") Z") != std::string::npos;
        },
        10s));
}

TEST_F(ExecTest, AHelperThatStaysHoldsNothingUp) {
    EXPECT_EQ(run("sleep 1000 & echo done").word(), "accepted: exit 0: done");
}

TEST_F(ExecTest, ABigMessageGoesThroughAndOneThatIsNotReadIsNoError) {
    Parcel big = parcel;
    big.payload = std::string(1 << 20, 'x');
    EXPECT_EQ(run("wc -c", big).word(), "accepted: exit 0: 1048576");
    EXPECT_EQ(run("exit 0", big).word(), "accepted: exit 0");
    EXPECT_EQ(run("head -c 300000 /dev/zero | tr '\\0' y; echo; echo end", big).word(),
              "accepted: exit 0: end");
}

}  // namespace
}  // namespace oneloop::worker
