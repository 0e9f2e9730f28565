// --config: one file for supervisor and worker; what is typed wins; a mistake is named with its
// place.
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class ConfigFileTest : public SupervisorFixture {
  protected:
    const std::string file = dir.file("project/oneloop.toml");

    // The exit code of a start that is refused, with its words in the console.
    [[nodiscard]] int refused(const std::string& text,
                              const std::vector<std::string>& more = {}) const {
        write_file(file, text);
        write_file(console, "");
        std::vector<std::string> options = {"--config", "oneloop.toml"};
        options.insert(options.end(), more.begin(), more.end());
        auto supervisor = supervise(options, probe());
        const auto status = supervisor.wait(seconds(10));
        return status ? status->code : -1;
    }
};

TEST_F(ConfigFileTest, TheFileSaysWhatIsRunAndHow) {
    std::string command;
    for (const auto& part : probe())
        command += "\"" + part + "\", ";
    write_file(file,
               "version = 1  # the worker's\n[supervisor]\nwatch = [\".\"]\nignore = [\"*.txt\"]\n"
               "log-format = \"json\"\nquiet = false\nstop-timeout = \"3s\"\ncommand = [" +
                   command + "]\n");
    auto supervisor = start({ONELOOP_SUPERVISOR, "--config", "oneloop.toml", "--state-dir", state});
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    EXPECT_EQ(said("\"event\":\"watching\""), 1) << read_file(console);
    write_file(dir.file("project/notes.txt"), "no change");
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2));
    EXPECT_EQ(said("notes.txt"), 0);
    stop(supervisor);
}

TEST_F(ConfigFileTest, WhatIsTypedWins) {
    write_file(file, "[supervisor]\nlog-format = \"json\"\nwatch = true\ncommand = [\"false\"]\n");
    auto supervisor = supervise({"--config", "oneloop.toml", "--log-format", "text"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    EXPECT_EQ(said("[supervisor] watching"), 1) << read_file(console);
    EXPECT_EQ(said("\"event\""), 0);
    stop(supervisor);
}

TEST_F(ConfigFileTest, AMistakeIsNamedWithItsPlace) {
    struct Case {
        std::string text;
        std::string said;
    };
    const std::vector<Case> cases = {
        {"[supervisor]\nwathc = true\n",
         "oneloop.toml:2:1: unknown key 'wathc', did you mean 'watch'?"},
        {"[supervisor]\n\n  stop-timeuot = \"1s\"\n",
         "oneloop.toml:3:3: unknown key 'stop-timeuot', did you mean 'stop-timeout'?"},
        {"[supervisor]\nzzzzzzzzzzzz = 1\n", "oneloop.toml:2:1: unknown key 'zzzzzzzzzzzz'\n"},
        {"[supervisor]\nstop-timeout = 3\n",
         "oneloop.toml:2:16: stop-timeout must be a text in quotes"},
        {"[supervisor]\nquiet = \"yes\"\n", "oneloop.toml:2:9: quiet must be true or false"},
        {"[supervisor]\nignore = [1]\n", "oneloop.toml:2:11: ignore must be texts in quotes"},
        {"[supervisor]\non-exit = [\"wait\"]\n",
         "oneloop.toml:2:11: on-exit must be a text in quotes"},
        {"[supervisor]\ncommand = \"python3 app.py\"\n",
         "oneloop.toml:2:11: command must be a list of texts in quotes"},
        {"[supervisor]\non-exit = \"sometimes\"\n", "oneloop.toml:2:11: --on-exit: "},
        {"[supervisor]\ndebounce = \"3 parsecs\"\n", "oneloop.toml:2:12: --debounce"},
        {"[supervisor]\nstop-signal = \"NOPE\"\n",
         "oneloop.toml:2:15: --stop-signal NOPE: no such signal"},
        {"[supervisor]\nconfig = \"other.toml\"\n", "oneloop.toml:2:1: unknown key 'config'"},
        {"[supervisor\n", "oneloop.toml:1:"},
        {"supervisor = 3\n", "oneloop.toml:1:14: supervisor must be a table"},
        {"[superviser]\nquiet = true\n",
         "oneloop.toml:1:2: unknown table [superviser], did you mean [supervisor]?"},
    };
    for (const auto& one : cases) {
        EXPECT_EQ(refused(one.text), 78) << one.text << read_file(console);
        EXPECT_EQ(said(one.said), 1) << one.said << "\n" << read_file(console);
    }
    EXPECT_EQ(logged("START"), 0);
}

TEST_F(ConfigFileTest, AllMistakesAreNamedAtOnce) {
    EXPECT_EQ(refused("[supervisor]\nquiet = 1\nverbos = true\non-crash = \"maybe\"\n"), 78);
    for (const char* place : {"oneloop.toml:2:9:", "oneloop.toml:3:1:", "oneloop.toml:4:12:"})
        EXPECT_EQ(said(place), 1) << place << read_file(console);
}

TEST_F(ConfigFileTest, AMissingFileIsNamed) {
    auto supervisor = supervise({"--config", "nowhere.toml"}, probe());
    const auto status = supervisor.wait(seconds(10));
    ASSERT_TRUE(status);
    EXPECT_EQ(status->code, 78);
    EXPECT_EQ(said("nowhere.toml"), 1) << read_file(console);
}

TEST_F(ConfigFileTest, AFileWithoutItsTableIsEnoughOnlyWithACommand) {
    write_file(file, "version = 1\n");
    auto without = start({ONELOOP_SUPERVISOR, "--config", "oneloop.toml", "--state-dir", state});
    const auto status = without.wait(seconds(10));
    ASSERT_TRUE(status);
    EXPECT_EQ(status->code, 78);
    EXPECT_EQ(said("oneloop.toml: there is no table [supervisor]"), 1) << read_file(console);
    auto supervisor = supervise({"--config", "oneloop.toml"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    stop(supervisor);
}

TEST_F(ConfigFileTest, ALineForTheShellMayBeInBrackets) {
    write_file(file, "[supervisor]\nbuild = \"[ -e app.py ]\"\n");
    auto supervisor = supervise({"--config", "oneloop.toml", "--check", "[ -e app.py ]"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    EXPECT_EQ(said("build done") + said("check done"), 2) << read_file(console);
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
