// An uncertain mail is looked for in a real mailbox, over IMAP and TLS.
#include <sys/stat.h>

#include "tests/support/deliverer_fixture.h"
#include "tests/support/receivers.h"
#include "tests/support/wait.h"
#include "worker/curl_look.h"
#include "worker/delivering.h"

namespace oneloop::worker::test_deliverer {
namespace {

using test::Receiver;
using testing::HasSubstr;

class MailboxTest : public DelivererTest {
  protected:
    MailboxTest() {
        Channel& me = channels_[0];
        me.url.value = "smtp://127.0.0.1:" + std::to_string(server_.port());
        me.rule.on_uncertain = OnUncertain::verify;
        me.ca = mailbox_.directory() + "/cert.pem";
        me.verify = {"imaps://localhost:" + std::to_string(mailbox_.port()),
                     "[Gmail]/Sent Mail",
                     "me",
                     {"s3cret", "env X"}};
    }
    // As the submission server of a provider files what it has accepted.
    void file_copy(const std::string& key) {
        const std::string path = mailbox_.sent_folder() + "/" + key + ":2,S";
        test::write_file(path, OutboxStore(path_).payload(OutboxStore(path_).find(key)->id));
        ::chmod(path.c_str(), 0644);
    }
    std::unique_ptr<Deliverer> make_real() {
        Deliverer::Parts parts = usual();
        parts.send = send_mail;
        parts.look = look_by_kind;
        return std::make_unique<Deliverer>(channels_, OutboxStore(path_), std::move(parts));
    }
    std::string reply(const std::string& key) { return OutboxStore(path_).find(key)->life.reply; }
    std::string why_not(const Channel& channel) {
        const Look look = look_for(channel, "<oneloop.a@x>", {});
        const auto* failure = std::get_if<CouldNotLook>(&look);
        return failure ? failure->why : "looked";
    }

    Receiver server_ = Receiver::scripted("smtp_script.py", "dot-close");
    Receiver mailbox_ = Receiver::real_imap();
};

TEST_F(MailboxTest, WhatTheServerHasFiledIsNotSentAgainAndWhatItHasNotIs) {
    put({{"kept", "me"}, {"lost", "me"}});
    const auto deliverer = make_real();
    server_.set_mode("dot-close");
    (void)deliverer->step({});
    server_.set_mode("lost-close");
    (void)deliverer->step({});
    file_copy("kept");
    server_.set_mode("accept");
    now_ += 1min;
    drain(*deliverer);
    EXPECT_EQ(phase("kept"), Phase::sent);
    EXPECT_EQ(reply("kept"), "found in [Gmail]/Sent Mail");
    EXPECT_EQ(phase("lost"), Phase::sent);
    EXPECT_THAT(reply("lost"), HasSubstr("250 2.0.0 kept"));
    EXPECT_EQ(server_.accepted().size(), 2U) << "each once, whatever became of the answers";
    EXPECT_EQ(counts_.doubtful, 2U);
}

// The negative control: the same night under `resend`.
TEST_F(MailboxTest, ControlWithoutLookingOneOfThemIsThereTwice) {
    channels_[0].rule.on_uncertain = OnUncertain::resend;
    put({{"kept", "me"}});
    const auto deliverer = make_real();
    drain(*deliverer);
    server_.set_mode("accept");
    now_ += 1min;
    drain(*deliverer);
    EXPECT_EQ(server_.accepted().size(), 2U);
}

TEST_F(MailboxTest, AMailboxThatCanNotBeLookedIntoSaysWhyAndIsNotTakenForAnEmptyOne) {
    const Channel good = channels_[0];
    EXPECT_EQ(why_not(good), "looked");
    Channel channel = good;
    channel.verify.password.value = "wrong";
    EXPECT_NE(why_not(channel), "looked");
    EXPECT_EQ(why_not(channel).find("wrong"), std::string::npos);
    channel = good;
    channel.verify.folder = "Nowhere";
    EXPECT_NE(why_not(channel), "looked");
    channel = good;
    channel.ca.clear();
    EXPECT_NE(why_not(channel), "looked") << "a certificate that nobody vouches for";
    channel = good;
    channel.verify.url = "imaps://localhost:1";
    EXPECT_NE(why_not(channel), "looked");
    put({{"a", "me"}});
    channels_[0].verify.folder = "Nowhere";
    const auto deliverer = make_real();
    drain(*deliverer);
    now_ += 1min;
    drain(*deliverer);
    EXPECT_EQ(phase("a"), Phase::uncertain);
    EXPECT_THAT(reply("a"), HasSubstr("can't be looked for: "));
    EXPECT_EQ(server_.accepted().size(), 1U);
}

TEST_F(MailboxTest, AMailboxThatHangsIsLeftAloneAfterTheTimeOutAndByAStop) {
    const Receiver silent = Receiver::scripted("smtp_script.py", "greet-silent");
    Channel channel = channels_[0];
    channel.verify.url = "imap://127.0.0.1:" + std::to_string(silent.port());
    channel.tls = Channel::Tls::off;
    channel.timeout = 1s;
    const auto began = Steady::now();
    EXPECT_NE(why_not(channel), "looked");
    EXPECT_LT(Steady::now() - began, 8s);
    channel.timeout = 30s;
    std::stop_source stop;
    const std::jthread later([&] {
        EXPECT_TRUE(test::wait_until([&] { return silent.count("connect") == 2; }, 20s));
        stop.request_stop();
    });
    const auto again = Steady::now();
    EXPECT_TRUE(
        std::holds_alternative<CouldNotLook>(look_for(channel, "<oneloop.a@x>", stop.get_token())));
    EXPECT_LT(Steady::now() - again, 15s);
}

}  // namespace
}  // namespace oneloop::worker::test_deliverer
