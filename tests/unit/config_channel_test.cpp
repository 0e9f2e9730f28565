// [[channel]], [template] and what a watch says about them: what it means, and every mistake with
// its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/process.h"
#include "worker/config.h"
#include "worker/delivering.h"
#include "worker/message.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string watch = R"([[watch]]
id = "a"
dates = { next = 2 }
source = { preset = "megabox", branch = "7011" }
)";
const std::string smtp = R"([[channel]]
id = "me"
kind = "smtp"
url = "smtp://mail.example.com:587"
from = "원루프 <a@example.com>"
to = ["b@example.org"]
)";
const std::string hook = R"([[channel]]
id = "hook"
kind = "webhook"
url = "https://hooks.example.com/T0/s3cret"
)";

std::string problems_of(const std::string& text) {
    std::string result;
    for (const Problem& problem : parse_config("version = 1\n" + text, "f").problems)
        result += format_problem("f", problem) + "\n";
    return result;
}
Config config_of(const std::string& text) {
    ConfigReading reading = parse_config("version = 1\n" + text, "f");
    for (const Problem& problem : reading.problems)
        ADD_FAILURE() << format_problem("f", problem);
    return reading.config;
}

TEST(ConfigChannel, DefaultsAreComplete) {
    const Config config = config_of(smtp + hook + watch);
    ASSERT_EQ(config.channels.size(), 2U);
    const Channel& me = config.channels[0];
    EXPECT_EQ(me.kind, Channel::Kind::smtp);
    EXPECT_EQ(me.tls, Channel::Tls::required);
    EXPECT_EQ(me.from, (Mailbox{"원루프", "a@example.com"}));
    EXPECT_EQ(me.message_id_domain, "example.com");
    EXPECT_EQ(me.rule.on_uncertain, OnUncertain::resend);
    EXPECT_EQ(me.rule.first, 10s);
    EXPECT_EQ(me.rule.longest, 15min);
    EXPECT_EQ(me.rule.max_age, 24h);
    // A supervisor gives our worker 35 s to stop; an answer that is owed has to fit in.
    EXPECT_LE(me.timeout, 30s);
    EXPECT_EQ(config.channels[1].idempotency_header, "Idempotency-Key");
    EXPECT_EQ(config.channels[1].body, default_body(Channel::Kind::webhook));
    EXPECT_TRUE(config.watches[0].alerts.channels.empty());
    EXPECT_EQ(config.most_pending, 1000U);
}

TEST(ConfigChannel, EverythingCanBeSaid) {
    const Config config = config_of(
        "[limits]\nmax_pending = 5\nmax_state = \"2MiB\"\nmax_events = "
        "7\n[template.short]\nsubject = \"{count} {watch}\"\n"
        "item = \"{title} {date:%m/%d}\"\n[[channel]]\nid = \"x\"\nkind = \"exec\"\n"
        "command = [\"notify-send\", \"oneloop\"]\nbody = \"{text}\"\ntemplate = \"short\"\n"
        "on_uncertain = \"ask\"\nretry = \"1s..2m\"\nmax_age = \"1h\"\ntimeout = \"5s\"\n" +
        watch + "channels = [\"x\"]\nevents = [\"gone\"]\nfirst_run = \"silent\"\n");
    const Channel& x = config.channels[0];
    EXPECT_EQ(x.command, (std::vector<std::string>{"notify-send", "oneloop"}));
    EXPECT_EQ(x.wording.subject, "{count} {watch}");
    EXPECT_EQ(x.wording.text, default_wording().text);
    EXPECT_EQ(x.rule.on_uncertain, OnUncertain::ask);
    EXPECT_EQ(x.rule.first, 1s);
    EXPECT_EQ(x.rule.longest, 2min);
    EXPECT_EQ(config.watches[0].alerts.events, std::vector{EventKind::gone});
    EXPECT_FALSE(config.watches[0].alerts.digest);
    EXPECT_EQ(config.most_pending, 5U);
    EXPECT_EQ(config.limits.most_bytes, 2U * 1024 * 1024);
    EXPECT_EQ(config.limits.most_events, 7U);
}

TEST(ConfigChannel, QuietHoursAndAMailboxToLookInto) {
    ::setenv("ONELOOP_TEST_PASSWORD", "s3cret", 1);
    const Config config =
        config_of(smtp + "user = \"me\"\npassword = { env = \"ONELOOP_TEST_PASSWORD\" }\n" +
                  "quiet = { from = \"23:00\", to = \"24:00\", then = \"digest\" }\n" +
                  "on_uncertain = \"verify\"\nverify = { imap = \"imaps://imap.example.com\", "
                  "folder = \"[Gmail]/Sent Mail\", wait = \"90s\" }\n[source_health]\n"
                  "channels = [\"me\"]\nremind = \"6h\"\n" +
                  watch);
    const Channel& me = config.channels[0];
    EXPECT_EQ(me.quiet, (QuietHours{23h, 0min}));
    EXPECT_EQ(me.rule.on_uncertain, OnUncertain::verify);
    EXPECT_EQ(me.rule.look_after, 90s);
    EXPECT_EQ(me.verify.user, "me");
    EXPECT_EQ(me.verify.password.value, "s3cret");
    EXPECT_EQ(config.health.remind, 6h);
    EXPECT_FALSE(config_of(smtp + watch).health.remind);
}

TEST(ConfigChannel, EveryMistakeHasItsPlace) {
    const struct {
        std::string text;
        const char* says;
    } mistakes[] = {
        {smtp + "bcc = \"x\"\n" + watch, "f:8:1: unknown key 'channel.bcc'"},
        {hook + "to = [\"x\"]\n" + watch, "f:6:1: unknown key 'channel.to'"},
        {"[[channel]]\nid = \"x\"\nkind = \"sms\"\n" + watch,
         "f:4:8: channel.kind is 'sms'; it can be smtp"},
        {"[[channel]]\nkind = \"exec\"\ncommand = [\"x\"]\n" + watch,
         "f:2:1: channel.id is missing"},
        {hook + hook + watch, "channel.id 'hook' is used twice"},
        {smtp + "user = \"me\"\n" + watch, "channel.user and channel.password belong together"},
        {smtp + "user = \"me\"\npassword = \"s3cret\"\n" + watch,
         "f:9:12: channel.password must not stand here"},
        {smtp + "user = \"me\"\npassword = { env = \"ONELOOP_NOT_SET\" }\n" + watch,
         "env ONELOOP_NOT_SET is not there"},
        {smtp + "user = \"me\"\npassword = { env = \"HOME\" }\ntls = \"off\"\n" + watch,
         "would send the password in the clear"},
        {smtp + "timeout = \"1min\"\n" + watch, "f:8:11: channel.timeout must be from 1s to 30s"},
        {smtp + "retry = \"5m..1s\"\n" + watch,
         "f:8:9: channel.retry is the first and the longest pause"},
        {smtp + "quiet = { from = \"1 o'clock\", to = \"07:00\" }\n" + watch,
         "f:8:18: channel.quiet.from is a time"},
        {smtp + "quiet = { from = \"07:00\", to = \"07:00\" }\n" + watch,
         "f:8:9: channel.quiet: from and to are the same time"},
        {smtp + "quiet = { from = \"07:00\", until = \"08:00\" }\n" + watch,
         "f:8:27: unknown key 'channel.quiet.until'"},
        {smtp + "on_uncertain = \"verify\"\n" + watch,
         "f:8:16: on_uncertain = \"verify\" needs channel.verify"},
        {smtp + "verify = { imap = \"imap.example.com\", folder = \"Sent\" }\n" + watch,
         "f:8:19: channel.verify.imap is \"imaps://HOST\""},
        {smtp + "verify = { imap = \"imaps://h\", folder = \"Sent\" }\n" + watch,
         "channel.verify needs user and password"},
        {hook + "on_uncertain = \"verify\"\n" + watch,
         "f:6:16: on_uncertain = \"verify\" is for mail"},
        {smtp + "[source_health]\nchannels = [\"me\"]\nremind = \"1s\"\n" + watch,
         "f:10:10: source_health.remind is 1min at least"},
        {smtp + "template = \"x\"\n" + watch, "f:8:12: there is no [template.x]"},
        {hook + "body = '{\"a\": {text}}'\n" + watch, ""},
        {hook + "body = '{\"a\": \"{text}'\n" + watch, "f:6:8: channel.body is no JSON"},
        {"[template.t]\nitem = \"{titel}\"\n" + watch,
         "f:3:8: template.t.item: unknown name '{titel}'"},
        {"[template.t]\nsubject = \"{count\"\n" + watch,
         "f:3:11: template.t.subject: a brace stands alone"},
        {smtp + watch + "channels = [\"mi\"]\n",
         "there is no [[channel]] with id 'mi', did you mean 'me'?"},
        {smtp + watch + "events = [\"open\"]\n", "watch.events: 'open' is none of opened"},
        {smtp + "[source_health]\nchannels = [\"mi\"]\n" + watch,
         "f:9:12: there is no [[channel]] with id 'mi'"},
        {"[source_health]\nfail_after = 0\nchannels = []\n" + watch,
         "f:3:14: source_health.fail_after is from 1"},
        {"[limits]\nmax_state = \"1 MB\"\n" + watch, "f:3:13: limits.max_state is a size"},
        {"[limits]\nmax_state = \"4KiB\"\n" + watch, "1MiB at least"},
        {"[limits]\nmax_pending = 0\n" + watch, "f:3:15: limits.max_pending is from 1"},
    };
    for (const auto& [text, says] : mistakes) {
        const std::string problems = problems_of(text);
        EXPECT_THAT(problems, HasSubstr(says)) << text;
        EXPECT_THAT(problems, testing::Not(HasSubstr("s3cret")));
        if (*says == '\0') {
            EXPECT_EQ(problems, "");
        }
    }
    for (const std::string bad : {"a", "a@b\\r\\nBcc: c@d", "한@example.com"}) {
        EXPECT_THAT(problems_of("[[channel]]\nid = \"x\"\nkind = \"smtp\"\nurl = \"smtp://h\"\n"
                                "from = \"a@b\"\nto = [\"" +
                                bad + "\"]\n" + watch),
                    HasSubstr("f:7:7: an address is written"));
    }
}

TEST(ConfigChannel, SecretsComeFromFilesAndCredentialsToo) {
    const test::TempDir dir;
    test::write_file(dir.file("password"), "from-file\n");
    test::write_file(dir.file("hook"), "https://example.com/hook\n");
    ::setenv("CREDENTIALS_DIRECTORY", dir.path().c_str(), 1);
    ::setenv("ONELOOP_TEST_TOKEN", "Bearer t", 1);
    const std::string text =
        "version = 1\n" + smtp + "user = \"me\"\npassword = { file = \"password\" }\n" +
        "[[channel]]\nid = \"hook\"\nkind = \"webhook\"\nurl = { credential = \"hook\" }\n" +
        "headers = { Authorization = { env = \"ONELOOP_TEST_TOKEN\" } }\n" + watch;
    const ConfigReading reading = parse_config(text, dir.file("oneloop.toml"));
    for (const Problem& problem : reading.problems)
        ADD_FAILURE() << format_problem("f", problem);
    ASSERT_EQ(reading.config.channels.size(), 2U);
    EXPECT_EQ(reading.config.channels[0].password.value, "from-file");
    EXPECT_EQ(reading.config.channels[1].url.value, "https://example.com/hook");
    EXPECT_EQ(reading.config.channels[1].headers.at(0).second.value, "Bearer t");
    EXPECT_EQ(secret_variables(reading.config.channels),
              std::vector<std::string>{"ONELOOP_TEST_TOKEN"});
    EXPECT_THAT(problems_of(hook + "headers = { A = { credential = \"../x\" } }\n" + watch),
                HasSubstr("is not there"));
}

}  // namespace
}  // namespace oneloop::worker
