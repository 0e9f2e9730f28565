// One try against real servers, and against one that breaks the exchange at every place.
#include "worker/mailer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <optional>
#include <thread>

#include "tests/support/receivers.h"
#include "tests/support/wait.h"
#include "worker/exec_channel.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using test::Receiver;
using test::wait_until;
using testing::HasSubstr;

std::string word(const std::optional<Outcome>& outcome) {
    if (!outcome) return "nothing";
    if (std::get_if<Accepted>(&*outcome)) return "accepted";
    if (const auto* refused = std::get_if<Refused>(&*outcome))
        return refused->permanent ? "refused for good" : "refused for now";
    if (const auto* failed = std::get_if<NotSent>(&*outcome))
        return failed->nobody_there ? "nobody there" : "not sent";
    return std::get_if<Stopped>(&*outcome) ? "stopped" : "no answer";
}

const Parcel parcel{"k3y", "b@example.org", "subject",
                    "Message-ID: <oneloop.k3y@example.com>\r\nSubject: x\r\n\r\n.dot first\r\n" +
                        std::string(900, 'x') + "\r\n" + std::string(900, 'y') + "\r\n"};

Channel smtp(int port) {
    Channel channel;
    channel.id = "me";
    channel.url.value = "smtp://127.0.0.1:" + std::to_string(port);
    channel.tls = Channel::Tls::off;
    channel.from = {"", "a@example.com"};
    channel.timeout = 2s;
    return channel;
}

// What came of it, and how often it was armed.
struct Try {
    std::optional<Outcome> outcome;
    int armed = 0;
    int dots_at_arm = -1;
};

Try mail(const Channel& channel, const Receiver* server = nullptr, bool allow = true,
         const std::stop_token& stop = {}) {
    Try result;
    Hooks hooks;
    hooks.arm = [&] {
        ++result.armed;
        if (server) result.dots_at_arm = server->count("dot");
        return allow;
    };
    hooks.settled = [&](const Outcome& outcome) { result.outcome = outcome; };
    send_mail(channel, parcel, hooks, stop);
    return result;
}

TEST(Mailer, EveryWayInWhichAnExchangeBreaks) {
    const struct {
        const char* mode;
        const char* means;
        int dots;
        std::size_t kept;
    } ways[] = {
        {"accept", "accepted", 1, 1},           {"quit-silent", "accepted", 1, 1},
        {"dot-slow", "accepted", 1, 1},         {"refuse-connection", "nobody there", 0, 0},
        {"greet-554", "nobody there", 0, 0},    {"greet-silent", "nobody there", 0, 0},
        {"mail-451", "refused for now", 0, 0},  {"mail-close", "not sent", 0, 0},
        {"rcpt-450", "refused for now", 0, 0},  {"rcpt-550", "refused for good", 0, 0},
        {"rcpt-close", "not sent", 0, 0},       {"data-451", "refused for now", 0, 0},
        {"data-554", "refused for good", 0, 0}, {"data-close", "not sent", 0, 0},
        {"dot-451", "refused for now", 1, 0},   {"dot-554", "refused for good", 1, 0},
        {"dot-close", "no answer", 1, 1},       {"lost-close", "no answer", 1, 0},
        {"dot-silent", "no answer", 1, 1},
    };
    for (const auto& way : ways) {
        const Receiver server = Receiver::scripted("smtp_script.py", way.mode);
        const Try result = mail(smtp(server.port()), &server);
        EXPECT_EQ(word(result.outcome), way.means) << way.mode;
        EXPECT_EQ(server.count("dot"), way.dots) << way.mode;
        EXPECT_EQ(server.accepted().size(), way.kept) << way.mode;
        // Armed exactly when there was an end to hand over, and before it was.
        EXPECT_EQ(result.armed, way.dots) << way.mode;
        if (result.armed) {
            EXPECT_EQ(result.dots_at_arm, 0) << way.mode;
        }
    }
}

// The payload's end may or may not have been on its way when the other side went: either way
// nothing is called accepted, and what may have arrived is not called unsent.
TEST(Mailer, AConnectionThatEndsInThePayloadIsNeverCalledAccepted) {
    const Receiver server = Receiver::scripted("smtp_script.py", "body-close");
    const Try result = mail(smtp(server.port()));
    EXPECT_EQ(word(result.outcome), result.armed ? "no answer" : "not sent");
}

TEST(Mailer, NobodyListens) {
    const Try result = mail(smtp(1));
    EXPECT_EQ(word(result.outcome), "nobody there");
    EXPECT_EQ(result.armed, 0);
}

TEST(Mailer, WhoMayNotArmSendsNoEnd) {
    const Receiver server = Receiver::scripted("smtp_script.py", "accept");
    const Try result = mail(smtp(server.port()), &server, false);
    EXPECT_EQ(word(result.outcome), "stopped");
    ASSERT_TRUE(wait_until([&] { return server.count("data") == 1; }, 10s));
    EXPECT_EQ(server.count("dot"), 0);
}

TEST(Mailer, EveryByteArrivesAsItIs) {
    const Receiver server = Receiver::scripted("smtp_script.py", "accept");
    EXPECT_EQ(word(mail(smtp(server.port())).outcome), "accepted");
    EXPECT_EQ(word(mail(smtp(server.port())).outcome), "accepted");
    const auto kept = server.accepted();
    ASSERT_EQ(kept.size(), 2U);
    EXPECT_EQ(kept[0], kept[1]);
    EXPECT_THAT(kept[0], HasSubstr("<oneloop.k3y@example.com>"));
}

// Stops the try when `line` stands in the journal; how long it took from there.
std::chrono::milliseconds stop_at(const Receiver& server, const std::string& line, Try& result,
                                  std::chrono::milliseconds timeout) {
    std::stop_source stop;
    Channel channel = smtp(server.port());
    channel.timeout = timeout;
    std::chrono::steady_clock::time_point asked;
    std::thread stopper([&] {
        wait_until([&] { return server.count(line) > 0; }, 20s);
        asked = std::chrono::steady_clock::now();
        stop.request_stop();
    });
    result = mail(channel, &server, true, stop.get_token());
    stopper.join();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 asked);
}

TEST(Mailer, AStopEndsATryThatHangsBeforeTheEnd) {
    for (const char* mode : {"greet-silent", "hold-mail", "hold-rcpt", "hold-data"}) {
        const Receiver server = Receiver::scripted("smtp_script.py", mode);
        Try result;
        const bool greeting = std::string(mode) == "greet-silent";
        EXPECT_LT(stop_at(server, greeting ? "connect" : "held", result, 20s), 10s) << mode;
        EXPECT_EQ(word(result.outcome), "stopped") << mode;
        EXPECT_EQ(result.armed, 0) << mode;
    }
}

TEST(Mailer, AStopWaitsForAnAnswerThatIsOwed) {
    const Receiver server = Receiver::scripted("smtp_script.py", "dot-slow");
    Try result;
    stop_at(server, "dot", result, 20s);
    EXPECT_EQ(word(result.outcome), "accepted");
}

// A server that is slow over QUIT has the message already: that is known at once.
TEST(Mailer, WhatWasKeptIsKnownBeforeTheServerSaysGoodbye) {
    const Receiver server = Receiver::scripted("smtp_script.py", "quit-silent");
    std::stop_source stop;
    bool settled = false;
    Hooks hooks;
    hooks.arm = [] { return true; };
    hooks.settled = [&](const Outcome& outcome) {
        settled = std::holds_alternative<Accepted>(outcome);
        EXPECT_EQ(server.count("quit"), 0);
        stop.request_stop();  // so that nobody waits for the goodbye
    };
    send_mail(smtp(server.port()), parcel, hooks, stop.get_token());
    EXPECT_TRUE(settled);
}

TEST(Mailer, AStopDoesNotWaitForQuit) {
    const Receiver server = Receiver::scripted("smtp_script.py", "quit-silent");
    Try result;
    EXPECT_LT(stop_at(server, "quit", result, 20s), 10s);
    EXPECT_EQ(word(result.outcome), "accepted");
}

class RealSmtp : public testing::TestWithParam<const char*> {
  protected:
    Channel channel(const Receiver& server) const {
        Channel channel = smtp(server.port());
        const std::string kind = GetParam();
        channel.url.value = (kind == "smtps" ? "smtps://127.0.0.1:" : "smtp://127.0.0.1:") +
                            std::to_string(server.port());
        channel.tls = Channel::Tls::required;
        channel.ca = server.directory() + "/cert.pem";
        channel.user = "me";
        channel.password.value = "s3cret";
        channel.timeout = 20s;
        return channel;
    }
};

TEST_P(RealSmtp, WithTlsAndPasswordItIsKeptAndWithoutEitherNothingIsSaid) {
    const Receiver server = Receiver::real_smtp(GetParam());
    const Channel good = channel(server);
    EXPECT_EQ(word(mail(good).outcome), "accepted");
    ASSERT_TRUE(wait_until([&] { return !server.mail(1).empty(); }, 10s));
    EXPECT_THAT(server.mail(1), HasSubstr("X-From: a@example.com\r\nX-To: b@example.org\r\n"));
    EXPECT_THAT(server.mail(1), HasSubstr("X-TLS: True\r\nX-Auth: True\r\n"));
    EXPECT_THAT(server.mail(1), HasSubstr(parcel.payload));

    Channel wrong = good;
    wrong.password.value = "other";
    EXPECT_EQ(word(mail(wrong).outcome), "nobody there");
    Channel untrusted = good;
    untrusted.ca.clear();
    EXPECT_EQ(word(mail(untrusted).outcome), "nobody there");
    EXPECT_EQ(server.mail(2), "");
}

TEST_P(RealSmtp, ControlAServerWithoutTlsGetsNoPassword) {
    const Receiver server = Receiver::real_smtp("plain");
    EXPECT_EQ(word(mail(channel(server)).outcome), "nobody there");
    EXPECT_EQ(server.mail(1), "");
    Channel open = channel(server);
    open.url.value = "smtp://127.0.0.1:" + std::to_string(server.port());
    open.tls = Channel::Tls::off;
    EXPECT_EQ(word(mail(open).outcome), "accepted");
}

INSTANTIATE_TEST_SUITE_P(Ways, RealSmtp, testing::Values("starttls", "smtps"));

}  // namespace
}  // namespace oneloop::worker
