// [[watch]] confirm, align, active_until and [host] retries, proxy, http2: what they mean, their
// mistakes, and what --print-config says of them.
#include <cstdlib>

#include "tests/support/config_fixture.h"
#include "worker/print_config.h"

namespace oneloop::worker::test_config {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string with_watch(const std::string& keys) {
    return smallest + keys;
}
std::string with_host(const std::string& keys) {
    return std::string(smallest) + "[host.\"www.megabox.co.kr\"]\n" + keys;
}

TEST(ConfigPace, Defaults) {
    const Watch watch = config_of(smallest).watches.at(0);
    EXPECT_EQ(watch.confirm, 1U);
    EXPECT_FALSE(watch.pace.align);
    EXPECT_FALSE(watch.until);
    EXPECT_EQ(watch.retries, 1U);
    EXPECT_FALSE(watch.proxy);
    EXPECT_EQ(watch.http2, Http2::automatic);
}

TEST(ConfigPace, WhatIsWrittenIsMeant) {
    Watch watch =
        config_of(with_watch("confirm = 3\nalign = true\nactive_until = \"2025-12-05\"\n"))
            .watches.at(0);
    constexpr Date fifth{std::chrono::year{2025} / std::chrono::December / 5};
    EXPECT_EQ(watch.confirm, 3U);
    EXPECT_TRUE(watch.pace.align);
    EXPECT_EQ(watch.until, fifth);
    EXPECT_FALSE(has_ended(watch, at(fifth, 24h) - 1s)) << "the whole day";
    EXPECT_TRUE(has_ended(watch, at(fifth, 24h)));
    EXPECT_EQ(config_of(with_watch("active_until = 2025-12-05\n")).watches.at(0).until, fifth);

    watch = config_of(with_host("retries = 0\nproxy = \"socks5h://127.0.0.1:1080\"\n"
                                "http2 = \"off\"\n"))
                .watches.at(0);
    EXPECT_EQ(watch.retries, 0U);
    EXPECT_EQ(watch.proxy, "socks5h://127.0.0.1:1080");
    EXPECT_EQ(watch.http2, Http2::off);
    EXPECT_EQ(config_of(with_host("proxy = \"\"\n")).watches.at(0).proxy, "") << "none at all";
    EXPECT_EQ(config_of(with_host("http2 = \"on\"\n")).watches.at(0).http2, Http2::on);
    EXPECT_EQ(config_of(with_host("http2 = \"auto\"\n")).watches.at(0).http2, Http2::automatic);
    for (const char* good : {"http://proxy:3128", "https://a.example/", "socks5://[::1]:1080"})
        EXPECT_EQ(problems_of(with_host("proxy = \"" + std::string(good) + "\"\n")), "") << good;
}

TEST(ConfigPace, EveryMistakeHasItsPlace) {
    const std::pair<const char*, const char*> of_watch[] = {
        {"confirm = 0\n", "f:6:11: watch.confirm is from 1 to 100 polls"},
        {"confirm = 101\n", "f:6:11: watch.confirm is from 1 to 100 polls"},
        {"confirm = \"2\"\n", "f:6:11: watch.confirm must be a whole number"},
        {"confirms = 2\n", "f:6:1: unknown key 'watch.confirms', did you mean 'confirm'?"},
        {"align = 1\n", "f:6:9: watch.align must be true or false"},
        {"aligned = true\n", "f:6:1: unknown key 'watch.aligned', did you mean 'align'?"},
        {"active_until = \"5 December\"\n", "f:6:16: a date is written \"2025-12-03\""},
        {"active_until = 2025-12-05T10:00:00Z\n", "f:6:16: a date is written \"2025-12-03\""},
        {"active_unti = \"2025-12-05\"\n",
         "f:6:1: unknown key 'watch.active_unti', did you mean 'active_until'?"},
    };
    for (const auto& [text, expected] : of_watch)
        EXPECT_THAT(problems_of(with_watch(text)), testing::StartsWith(expected)) << text;
    const std::pair<const char*, const char*> of_host[] = {
        {"retries = 6\n", "f:7:11: host.retries is from 0 to 5"},
        {"retries = -1\n", "f:7:11: host.retries is from 0 to 5"},
        {"retrie = 1\n", "f:7:1: unknown key 'host.retrie', did you mean 'retries'?"},
        {"http2 = true\n", "f:7:9: host.http2 must be a text"},
        {"http2 = \"maybe\"\n", "f:7:9: host.http2 is 'maybe'; it can be auto, on, off"},
        {"proxy = \"proxy:3128\"\n", "f:7:9: host.proxy is a URL"},
        {"proxy = \"ftp://proxy\"\n", "f:7:9: host.proxy is a URL"},
        {"proxy = \"http://\"\n", "f:7:9: host.proxy is a URL"},
        {"proxy = \"http://:3128\"\n", "f:7:9: host.proxy is a URL"},
        {"proxy = \"http://a b\"\n", "f:7:9: host.proxy is a URL"},
        {"proxy = \"http://a/path\"\n", "f:7:9: host.proxy is a URL"},
        {"proxy = 3128\n", "f:7:9: host.proxy must be {"},
        {"proxy = \"http://me:pw@proxy:3128\"\n",
         "f:7:9: host.proxy with a password must not stand"},
        {"proxy = { env = \"ONELOOP_NO_SUCH\" }\n",
         "f:7:9: host.proxy: env ONELOOP_NO_SUCH is not"},
        {"proxxy = \"\"\n", "f:7:1: unknown key 'host.proxxy', did you mean 'proxy'?"},
    };
    for (const auto& [text, expected] : of_host)
        EXPECT_THAT(problems_of(with_host(text)), testing::StartsWith(expected)) << text;
}

TEST(ConfigPace, PrintConfigSaysAllOfItAndNoPassword) {
    const std::string plain = print_config(config_of(smallest));
    EXPECT_THAT(plain, AllOf(HasSubstr("\nconfirm = 1\n"), HasSubstr("\nalign = false\n"),
                             HasSubstr("[host.\"www.megabox.co.kr\"]\n"),
                             HasSubstr("retries = 1\n"), HasSubstr("http2 = \"auto\"\n"),
                             Not(HasSubstr("proxy")), Not(HasSubstr("active_until"))));
    ::setenv("ONELOOP_TEST_PROXY", "http://me:s3cret@proxy:3128", 1);
    const Config config = config_of(
        with_watch("confirm = 2\nalign = true\nactive_until = \"2025-12-05\"\n") +
        "[host.\"www.megabox.co.kr\"]\nproxy = { env = \"ONELOOP_TEST_PROXY\" }\nretries = 3\n"
        "http2 = \"on\"\nrate = \"30/min\"\n");
    EXPECT_EQ(config.watches.at(0).proxy, "http://me:s3cret@proxy:3128");
    const std::string printed = print_config(config);
    EXPECT_THAT(
        printed,
        AllOf(HasSubstr("\nconfirm = 2\n"), HasSubstr("\nalign = true\n"),
              HasSubstr("\nactive_until = \"2025-12-05\"\n"), HasSubstr("\nretries = 3\n"),
              HasSubstr("\nhttp2 = \"on\"\n"), HasSubstr("\nrate = \"1800/h\"\n"),
              HasSubstr("\nproxy = \"*** (env ONELOOP_TEST_PROXY)\"\n"), Not(HasSubstr("s3cret"))));
}

// It would be renamed, as a file that is no state.
TEST(ConfigPace, TheConfigurationIsNotItsOwnStateFile) {
    EXPECT_THAT(problems_of("version = 1\nstate = \"./f\"\n" + std::string(smallest).substr(12)),
                testing::StartsWith("f:2:9: state is this file itself"));
}

}  // namespace
}  // namespace oneloop::worker::test_config
