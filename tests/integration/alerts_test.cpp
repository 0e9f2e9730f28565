// From a showtime to the mail server: the real worker, killed where it hurts.
#include <signal.h>

#include "common/exit_status.h"
#include "tests/support/mailing_fixture.h"

namespace oneloop {
namespace {

using namespace std::chrono_literals;
using test::limit;
using test::wait_until;
using testing::HasSubstr;
using testing::Not;

using AlertsTest = test::MailingTest;

TEST_F(AlertsTest, WhatIsOpenAtTheFirstLookIsOneMail) {
    const Worker worker = standalone(with_channel());
    ASSERT_TRUE(wait_until([&] { return counts(worker, "sent", 1); }, limit)) << worker.output();
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 3; }, limit));
    EXPECT_EQ(server_.accepted().size(), 1U);
    EXPECT_THAT(worker.output(), HasSubstr("sent by me to b***@example.org"));
}

TEST_F(AlertsTest, KilledBeforeTheEndOfThePayloadItIsSentOnce) {
    const std::string file = with_channel();
    std::size_t kept = 0;
    for (const char* mode : {"greet-silent", "hold-mail", "hold-rcpt", "hold-data"}) {
        const char* sign = std::string(mode) == "greet-silent" ? "connect" : "held";
        const int before = server_.count(sign);
        server_.set_mode(mode);
        Worker first = standalone(file);
        ASSERT_TRUE(wait_until([&] { return server_.count(sign) > before; }, limit)) << mode;
        first.process.signal(SIGKILL);
        ASSERT_TRUE(first.process.wait(limit));
        server_.set_mode("accept");
        const Worker second = standalone(file);
        ASSERT_TRUE(wait_until([&] { return counts(second, "sent", 1); }, limit)) << mode;
        EXPECT_EQ(server_.accepted().size(), ++kept) << mode;
        EXPECT_TRUE(counts(second, "doubtful_ever", 0)) << mode;
        // A new job for the next mode.
        for (const char* name : {"a.db", "a.db-wal", "a.db-shm"})
            ::unlink(dir_.file(name).c_str());
    }
}

TEST_F(AlertsTest, KilledBeforeTheAnswerItIsSentAgainByteForByteAndCounted) {
    const std::string file = with_channel();
    server_.set_mode("dot-silent");
    Worker first = standalone(file);
    ASSERT_TRUE(wait_until([&] { return server_.count("dot") == 1; }, limit));
    first.process.signal(SIGKILL);
    ASSERT_TRUE(first.process.wait(limit));
    server_.set_mode("accept");
    const Worker second = standalone(file);
    ASSERT_TRUE(wait_until([&] { return counts(second, "sent", 1); }, limit));
    const auto kept = server_.accepted();
    ASSERT_EQ(kept.size(), 2U);
    EXPECT_EQ(kept[0], kept[1]);
    EXPECT_TRUE(counts(second, "doubtful_ever", 1));
    EXPECT_THAT(second.output(), HasSubstr("uncertain whether me to b***@example.org"));
}

TEST_F(AlertsTest, UnderAskItWaitsForAPersonAndIsListed) {
    const std::string file = with_channel("on_uncertain = \"ask\"\n");
    server_.set_mode("dot-close");
    const Worker worker = standalone(file);
    ASSERT_TRUE(wait_until([&] { return counts(worker, "uncertain", 1); }, limit));
    EXPECT_THAT(worker.status(), HasSubstr("\"uncertain_messages\":[{\"key\":\""));
    const std::string listed = run({"--outbox", "--config", file}, exit_ok);
    EXPECT_THAT(listed, HasSubstr("uncertain"));
    const std::string key = listed.substr(listed.find("uncertain") + 10, 26);
    server_.set_mode("accept");
    EXPECT_THAT(run({"--resend", key, "--config", file}, exit_ok), HasSubstr("is sent again"));
    ASSERT_TRUE(wait_until([&] { return counts(worker, "sent", 1); }, limit));
    EXPECT_EQ(server_.accepted().size(), 2U);
    EXPECT_THAT(run({"--outbox", "--config", file}, exit_ok), Not(HasSubstr(key)));
    run({"--skip", key, "--config", file}, exit_usage);
    run({"--resend", "nothing", "--config", file}, exit_usage);
}

TEST_F(AlertsTest, AMailServerThatHangsDelaysNoPoll) {
    server_.set_mode("greet-silent");
    const Worker worker = standalone(with_channel());
    ASSERT_TRUE(wait_until([&] { return server_.count("connect") > 0; }, limit));
    const long before = worker.ticks();
    // The try that hangs is still the first when polls have gone on.
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= before + 3; }, limit));
    EXPECT_EQ(server_.count("connect"), 1);
    EXPECT_EQ(test::http_get(worker.port(), "/healthz").code, 200);
}

// Each channel has a thread of its own.
TEST_F(AlertsTest, AMailServerThatHangsDelaysNoOtherChannel) {
    server_.set_mode("greet-silent");
    const std::string file = with_channel();
    std::string text = test::read_file(file);
    text.replace(text.find("[\"me\"]"), 6, "[\"me\", \"note\"]");
    text.replace(text.find("\"5s\""), 4, "\"30s\"");  // it hangs for longer than this test waits
    text += "[[channel]]\nid = \"note\"\nkind = \"exec\"\ncommand = [\"tee\", \"-a\", \"" +
            dir_.file("note") + "\"]\nbody = \"{key}\\n\"\n";
    test::write_file(file, text);
    Worker worker = standalone(file);
    ASSERT_TRUE(wait_until([&] { return server_.count("connect") == 1; }, limit));
    ASSERT_TRUE(wait_until([&] { return counts(worker, "sent", 1); }, limit)) << worker.output();
    EXPECT_EQ(test::read_file(dir_.file("note")).size(), 27U);
    EXPECT_EQ(server_.count("connect"), 1) << "the first try still hangs";
    EXPECT_TRUE(counts(worker, "queued", 1));
    worker.process.signal(SIGTERM);
    ASSERT_TRUE(worker.process.wait(limit)) << "a stop ends the one that hangs";
}

// Frozen between the end of the payload and its answer, for longer than the answer takes: it is
// read afterwards, and nothing is sent again.
TEST_F(AlertsTest, FrozenWhileAnAnswerIsOwedItIsReadAfterwards) {
    server_.set_mode("dot-slow");
    const Worker worker = standalone(with_channel());
    ASSERT_TRUE(wait_until([&] { return server_.count("dot") == 1; }, limit));
    worker.process.signal(SIGSTOP);
    ASSERT_TRUE(wait_until([&] { return server_.count("answered") == 1; }, limit));
    worker.process.signal(SIGCONT);
    ASSERT_TRUE(wait_until([&] { return counts(worker, "sent", 1); }, limit)) << worker.output();
    EXPECT_EQ(server_.accepted().size(), 1U);
    EXPECT_TRUE(counts(worker, "doubtful_ever", 0));
}

// Frozen before the end, and the server has hung up meanwhile: it is sent once, by the next try.
TEST_F(AlertsTest, FrozenBeforeTheEndOfThePayloadItIsSentOnce) {
    server_.set_mode("hold-data");
    const Worker worker = standalone(with_channel());
    ASSERT_TRUE(wait_until([&] { return server_.count("held") == 1; }, limit));
    worker.process.signal(SIGSTOP);
    server_.set_mode("end-held");
    ASSERT_TRUE(wait_until([&] { return server_.count("hung up") == 1; }, limit));
    worker.process.signal(SIGCONT);
    ASSERT_TRUE(wait_until([&] { return counts(worker, "sent", 1); }, limit)) << worker.output();
    EXPECT_EQ(server_.accepted().size(), 1U);
    EXPECT_TRUE(counts(worker, "doubtful_ever", 0));
}

TEST_F(AlertsTest, AStopWaitsForTheAnswerThatIsOwed) {
    server_.set_mode("dot-slow");
    const std::string file = with_channel();
    Worker first = standalone(file);
    ASSERT_TRUE(wait_until([&] { return server_.count("dot") == 1; }, limit));
    first.process.signal(SIGTERM);
    ASSERT_TRUE(first.process.wait(limit));
    const Worker second = standalone(file);
    ASSERT_TRUE(wait_until([&] { return second.ticks() >= 2; }, limit));
    EXPECT_EQ(server_.accepted().size(), 1U);
    EXPECT_TRUE(counts(second, "sent", 1));
    EXPECT_TRUE(counts(second, "doubtful_ever", 0));
}

TEST_F(AlertsTest, ATestMessageAndADryRun) {
    const std::string file = with_channel();
    EXPECT_THAT(run({"--test-channel", "me", "--config", file}, exit_ok),
                HasSubstr("me to b@example.org: 250 2.0.0 kept"));
    EXPECT_EQ(server_.accepted().size(), 1U);
    server_.set_mode("rcpt-550");
    EXPECT_THAT(run({"--test-channel", "me", "--config", file}, exit_unavailable),
                HasSubstr("refused: 550 as told"));
    run({"--test-channel", "you", "--config", file}, exit_usage);
    const std::string dry = run({"--dry-run", "--config", file}, exit_ok);
    EXPECT_THAT(dry, HasSubstr("---- by me, to b@example.org ----\n[oneloop] w: 현재 회차"));
    EXPECT_EQ(server_.count("connect"), 2);
    EXPECT_NE(::access(dir_.file("a.db").c_str(), F_OK), 0);
}

TEST_F(AlertsTest, NoSecretIsPrinted) {
    const std::string file =
        with_channel("user = \"me\"\npassword = { env = \"ONELOOP_TEST_PASSWORD\" }\n");
    const test::Environment secret = {{"ONELOOP_TEST_PASSWORD", "s3cret"}};
    Worker printed = start({"--print-config", "--config", file}, secret);
    ASSERT_EQ(printed.process.wait(limit), ExitStatus{}) << printed.output();
    EXPECT_THAT(printed.output(), HasSubstr("*** (env ONELOOP_TEST_PASSWORD)"));
    EXPECT_THAT(printed.output(), Not(HasSubstr("s3cret")));
    EXPECT_THAT(run({"--check", "--config", file}, exit_config),
                HasSubstr("env ONELOOP_TEST_PASSWORD is not there"));
}

}  // namespace
}  // namespace oneloop
