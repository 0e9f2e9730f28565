// The configuration: what it means, and that every mistake is found with its place.
#include <cstdlib>

#include "tests/support/config_fixture.h"

namespace oneloop::worker::test_config {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Config, DefaultsAreComplete) {
    const Config config = config_of(smallest);
    EXPECT_EQ(config.job, "oneloop");
    EXPECT_EQ(config.timezone, "Asia/Seoul");
    EXPECT_EQ(config.language, Language::ko);
    EXPECT_EQ(config.listen_host, "127.0.0.1");
    EXPECT_EQ(config.listen_port, 5000);
    EXPECT_FALSE(config.log_format);
    ASSERT_EQ(config.watches.size(), 1U);
    const Watch& watch = config.watches[0];
    EXPECT_EQ(watch.name, "a");
    EXPECT_EQ(watch.pace.every, 30s);
    EXPECT_EQ(watch.pace.floor, 10s);
    EXPECT_EQ(watch.timeout, 10s);
    EXPECT_EQ(watch.dates.next, 2);
    EXPECT_EQ(watch.sources[0].url, "https://www.megabox.co.kr/on/oh/ohc/Brch/schedulePage.do");
    EXPECT_THAT(watch.user_agent, HasSubstr("oneloop/"));
}

// One file serves both.
TEST(Config, TheTableOfTheSupervisorIsLeftAlone) {
    EXPECT_EQ(problems_of(std::string(smallest) + "[supervisor]\nwatch = true\nanything = 1\n"),
              "");
    EXPECT_THAT(problems_of(std::string(smallest) + "[supervisr]\nwatch = true\n"),
                HasSubstr("unknown key 'supervisr', did you mean 'supervisor'?"));
}

TEST(Config, TheDemoIsGood) {
    const ConfigReading demo = read_config(ONELOOP_SOURCE_DIR "/docs/demo/oneloop.toml");
    for (const Problem& problem : demo.problems)
        ADD_FAILURE() << format_problem("demo", problem);
    ASSERT_EQ(demo.config.watches.size(), 2U);
    EXPECT_EQ(demo.config.watches[0].sources[0].url,
              "http://127.0.0.1:8377/on/oh/ohc/Brch/schedulePage.do");
    EXPECT_EQ(demo.config.watches[0].pace.every, 2s);
}

TEST(Config, EveryMistakeHasItsPlace) {
    struct Case {
        const char* text;
        const char* expected;  // beginning of a line of the report
    };
    const std::string watch =
        "[[watch]]\nid = \"a\"\ndates = { next = 2 }\n"
        "source = { preset = \"megabox\", branch = \"7011\" }\n";
    const Case cases[] = {
        {"", "f:1:1: version is missing"},
        {"version = 2\n", "f:1:11: version must be 1"},
        {"version = 1\nwatch = []\n", "f:2:9: there is no [[watch]]"},
        {"version = 1\nwatch = [\"a\"]\n", "f:2:10: each watch must be a table, [[watch]]"},
        {"version = 1\n[[watch]]\nid = \"a\"\ndates = { next = 4294967297 }\n",
         "f:4:9: dates.next must stand alone and be from 1 to 31"},
        {"version = 1\n[limits]\nmax_state = \"17179869185GiB\"\n",
         "f:3:13: limits.max_state is a size"},
        {"version = 1\n[http]\ntoken = \"correct%horse-battery\"\n",
         "f:3:9: http.token: at least 16 of the characters"},
        {"version = \"1\"\n", "f:1:11: version must be a whole number"},
        {"version = 1\n", "f:1:1: there is no [[watch]]"},
        {"version = 1\nversion = 1\n", "f:2:11: "},
        {"version = 1\njob = \n", "f:2:"},
        {"version = 1\nlanguag = \"ko\"\n",
         "f:2:1: unknown key 'languag', did you mean 'language'?"},
        {"version = 1\nlanguage = \"de\"\n", "f:2:12: language is 'de'; it can be ko, en"},
        {"version = 1\njob = \"a b\"\n", "f:2:7: job must be"},
        {"version = 1\njob = \"../x\"\n", "f:2:7: job must be"},
        {"version = 1\ntimezone = \"Asia/Atlantis\"\n", "f:2:12: unknown time zone"},
        {"version = 1\nhttp = 5\n", "f:2:8: http must be a table"},
        {"version = 1\n[http]\nlisten = \"5000\"\n", "f:3:10: http.listen must be"},
        {"version = 1\n[http]\nlisten = \"127.0.0.1:70000\"\n", "f:3:10: http.listen must be"},
        {"version = 1\n[http]\nlisten = \":5000\"\n", "f:3:10: http.listen must be"},
        {"version = 1\n[http]\nlisten = 5000\n", "f:3:10: http.listen must be a text"},
        {"version = 1\n[log]\nformat = \"json\"\n", "f:3:10: log.format is 'json'"},
        {"version = 1\nwatch = 1\n", "f:2:9: watch must be a list"},
        {"version = 1\n[[watch]]\nevery = \"5s\"\n", "f:2:1: watch.id is missing"},
        {"version = 1\n[[watch]]\nid = \"\"\n", "f:3:6: watch.id is empty"},
        {"version = 1\n[[watch]]\nid = \"a\"\n", "f:2:1: watch.dates is missing"},
        {"version = 1\n[[watch]]\nid = \"a\"\n", "f:2:1: watch.source is missing"},
        {"version = 1\n[[watch]]\nevry = \"5s\"\n",
         "f:3:1: unknown key 'watch.evry', did you mean 'every'?"},
        {"version = 1\n[[watch]]\nevery = 30\n", "f:3:9: watch.every must be a duration in quotes"},
        {"version = 1\n[[watch]]\ndates = []\n", "f:3:9: watch.dates is empty"},
        {"version = 1\n[[watch]]\ndates = [\"2025-02-30\"]\n", "f:3:10: a date is written"},
        {"version = 1\n[[watch]]\ndates = \"opn\"\n", "f:3:9: watch.dates must be"},
        {"version = 1\n[[watch]]\ndates = \"open\"\n[watch.source]\nurl = \"http://x\"\n",
         "f:3:9: watch.dates = \"open\" needs a source with a date_list"},
        {"version = 1\n[[watch]]\ndates = { next = 0 }\n", "f:3:9: dates.next must"},
        {"version = 1\n[[watch]]\ndates = { next = 32 }\n", "f:3:9: dates.next must"},
        {"version = 1\n[[watch]]\ndates = { from = \"2025-12-03\" }\n", "f:3:9: dates needs both"},
        {"version = 1\n[[watch]]\ndates = { from = \"2025-12-03\", to = \"2025-12-01\" }\n",
         "f:3:37: dates.to is before"},
        {"version = 1\n[[watch]]\ndates = { from = \"2025-12-03\", to = \"2026-12-03\" }\n",
         "f:3:37: dates: more than 31"},
        {"version = 1\n[[watch]]\nwhere = [ 5 ]\n", "f:3:11: watch.where must be a list of"},
        {"version = 1\n[[watch]]\nwhere = [ { field = \"titel\", contains = \"a\" } ]\n",
         "f:3:21: unknown field 'titel', did you mean 'title'?"},
        {"version = 1\n[[watch]]\nwhere = [ { field = \"title\" } ]\n",
         "f:3:11: where needs field and one of"},
        {"version = 1\n[[watch]]\nwhere = [ { field = \"title\", contains = \" - \" } ]\n",
         "f:3:41: where.contains is empty"},
        {"version = 1\n[[watch]]\nwhere = [ { field = \"title\", at_least = 2 } ]\n",
         "f:3:11: where.at_least is for seats"},
        {"version = 1\n[[watch]]\nwhere = [ { field = \"start\", between = [\"09:00\"] } ]\n",
         "f:3:40: where.between needs two values"},
        {"version = 1\n[[watch]]\nwhere = [ { field = \"start\", between = [\"09:00\", \"30:00\"] "
         "} ]\n",
         "f:3:40: where.between: '30:00' is no time"},
    };
    for (const Case& c : cases) {
        EXPECT_THAT("\n" + problems_of(c.text), HasSubstr(std::string("\n") + c.expected))
            << c.text;
    }
    EXPECT_THAT(problems_of("version = 1\n" + watch + watch),
                HasSubstr("f:7:6: watch.id 'a' is used twice"));
}

TEST(Config, AllMistakesAreReportedAtOnceInOrder) {
    const std::string report =
        problems_of("version = 1\nlanguage = \"de\"\n[[watch]]\nid = 5\nevery = \"1x\"\n");
    EXPECT_THAT(report,
                testing::MatchesRegex("f:2:12: (.|\n)*f:3:1: (.|\n)*f:4:6: (.|\n)*f:5:9: (.|\n)*"));
}

TEST(Config, APeriodShorterThanTheHostAllowsIsRaisedAndSaidSo) {
    const auto watch = [](const char* server, const char* period) {
        return config_of(std::string("version = 1\n[preset.megabox]\nserver = \"") + server +
                         "\"\n[[watch]]\nid = \"a\"\ndates = { next = 1 }\nevery = \"" + period +
                         "\"\nsource = { preset = \"megabox\", branch = \"1\" }\n")
            .watches.at(0);
    };
    for (const char* near : {"http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"}) {
        EXPECT_EQ(watch(near, "1s").pace.every, std::chrono::seconds(1)) << near;
        EXPECT_EQ(watch(near, "1s").pace_note, "") << near;
        EXPECT_EQ(watch(near, "999ms").pace.every, std::chrono::seconds(1)) << near;
    }
    EXPECT_EQ(watch("https://www.megabox.co.kr", "10s").pace_note, "");
    for (const char* far : {"https://www.megabox.co.kr", "http://127.example.test",
                            "http://localhost.example.test"}) {
        EXPECT_EQ(watch(far, "9s").pace.every, std::chrono::seconds(10)) << far;
        EXPECT_EQ(watch(far, "9s").pace_note,
                  "watch a: every = 9s is raised to 10s, the shortest for this host");
    }
}

TEST(Config, AFileThatCantBeRead) {
    EXPECT_EQ(format_problem("/nowhere", read_config("/nowhere").problems.at(0)),
              "/nowhere: can't be read: No such file or directory (name one with --config)");
    EXPECT_EQ(read_config("/").problems.at(0).message,
              "can't be read: not a regular file (name one with --config)");
}

TEST(Config, WhereTheStateIs) {
    Config config;
    config.file = "/etc/oneloop/oneloop.toml";
    config.job = "megabox";
    config.state = "data/x.db";
    EXPECT_EQ(state_path(config), "/etc/oneloop/data/x.db");
    config.state = "/var/x.db";
    EXPECT_EQ(state_path(config), "/var/x.db");
    config.state.clear();
    ::setenv("STATE_DIRECTORY", "/var/lib/oneloop:/other", 1);
    EXPECT_EQ(state_path(config), "/var/lib/oneloop/megabox.db");
    ::unsetenv("STATE_DIRECTORY");
    EXPECT_THAT(state_path(config), testing::EndsWith("/.local/state/oneloop/megabox.db"));
}

}  // namespace
}  // namespace oneloop::worker::test_config
