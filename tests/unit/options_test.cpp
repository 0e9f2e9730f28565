// options: command lines and what they mean. The helpers that parse_options looks for beside its
// own executable are stand-ins which the test puts there.
#include "supervisor/options.h"
#include "common/exec_pointers.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>

#include "common/exit_status.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using OnExit = PolicyOptions::OnExit;
using OnCrash = PolicyOptions::OnCrash;
using Words = std::vector<std::string>;

tl::expected<Options, Refusal> parse(Words words) {
    words.insert(words.begin(), "supervisor");
    auto argv = exec_pointers(words);
    return parse_options(static_cast<int>(words.size()), argv.data());
}

Options good(const Words& words) {
    auto options = parse(words);
    if (!options) ADD_FAILURE() << options.error().text;
    return options.value_or(Options{});
}

class OptionsTest : public testing::Test {
  protected:
    // A build tree around this executable: supervisor/, worker/, and no libexec.
    void SetUp() override {
        fs::remove_all(home / "worker");
        fs::remove_all(home / "libexec");
        put(home / "supervisor" / "warden");
        put(home / "worker" / "worker");
    }
    static void put(const fs::path& path) {
        fs::create_directories(path.parent_path());
        test::write_file(path.string(), "");
        fs::permissions(path, fs::perms::owner_all);
    }
    static void expect_usage(const Words& words, const std::string& text) {
        SCOPED_TRACE(testing::PrintToString(words));
        const auto options = parse(words);
        ASSERT_FALSE(options.has_value());
        EXPECT_EQ(options.error().code, exit_usage);
        EXPECT_NE(options.error().text.find(text), std::string::npos) << options.error().text;
        EXPECT_NE(options.error().text.find("supervisor --help"), std::string::npos);
    }

    const fs::path home = fs::read_symlink("/proc/self/exe").parent_path().parent_path();
};

TEST_F(OptionsTest, defaults) {
    const auto options = good({"--", "app"});
    EXPECT_EQ(options.command, Words{"app"});
    EXPECT_FALSE(options.our_worker);
    EXPECT_FALSE(options.watch);
    EXPECT_TRUE(options.watch_paths.empty());
    EXPECT_TRUE(options.rules.ignore.empty());
    ASSERT_NE(options.preset, nullptr);
    EXPECT_EQ(options.preset->name, "none");
    EXPECT_TRUE(options.sockets.empty());
    EXPECT_EQ(options.stop_signal, 15);
    EXPECT_EQ(options.stop_timeout, seconds(10));
    EXPECT_EQ(options.debounce, std::nullopt);
    EXPECT_EQ(options.on_exit, OnExit::wait);
    EXPECT_EQ(options.on_crash, OnCrash::restart);
    EXPECT_EQ(options.state_dir, "");
    EXPECT_EQ(options.log_level, log::Level::info);
    EXPECT_EQ(options.warden_path, (home / "supervisor" / "warden").string());
}

TEST_F(OptionsTest, watch_alone_is_the_current_directory) {
    for (const Words& words : {Words{"--watch", "--", "app"}, {"-w", "--", "app"}, {"--watch"}}) {
        const auto options = good(words);
        EXPECT_TRUE(options.watch);
        EXPECT_EQ(options.watch_paths, Words{"."});
    }
}

TEST_F(OptionsTest, watch_takes_several_paths) {
    const Words three = {"a", "b", "c"};
    EXPECT_EQ(good({"--watch", "a", "b", "c", "--", "app"}).watch_paths, three);
    EXPECT_EQ(good({"-w", "a", "-w", "b", "-w", "c", "--", "app"}).watch_paths, three);
    EXPECT_EQ(good({"--watch=a", "--watch=b", "--watch", "c", "--", "app"}).watch_paths, three);
    EXPECT_EQ(good({"--watch", "a", "b", "-q", "-w", "c", "--", "app"}).watch_paths, three);
    EXPECT_EQ(good({"--watch", "-q", "-w", "a", "--", "app"}).watch_paths, Words{"a"});
}

TEST_F(OptionsTest, paths_and_globs_are_taken_literally) {
    for (const char* text : {"{}", "a,b", "*.md", "a b", "[ab]*", "%%", "a=b", "#x"}) {
        EXPECT_EQ(good({"--watch", text, "--", "app"}).watch_paths, Words{text}) << text;
        EXPECT_EQ(good({"--ignore", text, "--", "app"}).rules.ignore, Words{text}) << text;
    }
}

TEST_F(OptionsTest, bug_brackets_around_a_path_or_glob_are_part_of_it) {
    for (const char* text : {"[id]", "[ab]", "[a,b]"}) {
        EXPECT_EQ(good({"--watch", text, "--", "app"}).watch_paths, Words{text});
        EXPECT_EQ(good({"--ignore", text, "--", "app"}).rules.ignore, Words{text});
    }
}

TEST_F(OptionsTest, escaped_globs_are_taken_to_the_letter) {
    for (const std::string glob : {"\\[ab\\].py", "\\-x.py", "a b\\*", "it's", "a,b", "a\\\\b"})
        EXPECT_EQ(good({"--watch", "--ignore", glob, "--", "app"}).rules.ignore, Words{glob});
}

TEST_F(OptionsTest, ignore_takes_one_glob_at_a_time) {
    EXPECT_EQ(good({"-i", "*.md", "--ignore", "docs", "--", "app"}).rules.ignore,
              (Words{"*.md", "docs"}));
    expect_usage({"--ignore", "a", "b", "--", "app"}, "a command follows --: supervisor … -- b");
    expect_usage({"--ignore", "--", "app"}, "--ignore");
}

TEST_F(OptionsTest, what_follows_the_dashes_is_the_users_to_the_letter) {
    for (const Words& command : {Words{"app"},
                                 {"app", "--help", "--version", "-w", "--watch=x"},
                                 {"app", "--", "--", "x"},
                                 {"--", "x"},
                                 {"--flask"},
                                 {"app", "", "a b", "[x]", "{}"}}) {
        Words words = {"--watch", "--"};
        words.insert(words.end(), command.begin(), command.end());
        EXPECT_EQ(good(words).command, command);
    }
}

TEST_F(OptionsTest, usage_errors) {
    expect_usage({"--"}, "there is no command after --");
    expect_usage({"--watch", "--"}, "there is no command after --");
    expect_usage({"python3", "app.py"}, "a command follows --: supervisor … -- python3 app.py");
    expect_usage({"-q", "app"}, "a command follows --");
    expect_usage({"--wacth"}, "unknown option --wacth");
    expect_usage({"-x", "--", "app"}, "unknown option -x");
    expect_usage({"--stop-timeout", "10", "--", "app"}, "--stop-timeout: '10' is not a duration");
    expect_usage({"--stop-timeout", "soon"}, "--stop-timeout: 'soon' is not a duration");
    expect_usage({"--debounce", "5", "--", "app"}, "--debounce: '5' is not a duration");
    expect_usage({"--debounce"}, "--debounce");
    expect_usage({"--stop-signal", "NOSUCH"}, "--stop-signal NOSUCH: no such signal");
    expect_usage({"--stop-signal", "0"}, "--stop-signal 0: no such signal");
    expect_usage({"--stop-signal", "65"}, "--stop-signal 65: no such signal");
    expect_usage({"--preset", "rails"},
                 "--preset rails: unknown; the presets are auto, " + preset_names());
    expect_usage({"--flask"}, "--flask needs a command");
    expect_usage({"--on-exit", "explode"}, "explode");
    expect_usage({"--on-crash", "burn"}, "burn");
    expect_usage({"--socket", "nowhere", "--", "app"}, "--socket nowhere: the port");
    expect_usage({"--state-dir"}, "--state-dir");
}

TEST_F(OptionsTest, help_and_version_exit_with_0) {
    for (const Words& words :
         {Words{"--help"}, {"-h"}, {"--help", "--", "app"}, {"-w", "--help"}}) {
        const auto help = parse(words);
        ASSERT_FALSE(help.has_value());
        EXPECT_EQ(help.error().code, exit_ok);
        for (const char* text :
             {"Usage: supervisor [OPTIONS] [-- COMMAND [ARG...]]", "--watch", "--ignore",
              "--socket", "--preset", "--flask", "--stop-signal", "--stop-timeout", "--debounce",
              "--on-exit", "--state-dir", "--quiet", "--verbose", "--version"}) {
            EXPECT_NE(help.error().text.find(text), std::string::npos) << text;
        }
    }
    for (const char* flag : {"--version", "-V"}) {
        const auto version = parse({flag});
        ASSERT_FALSE(version.has_value());
        EXPECT_EQ(version.error().code, exit_ok);
        EXPECT_EQ(version.error().text, "oneloop " ONELOOP_VERSION);
    }
}

TEST_F(OptionsTest, flask_is_a_preset) {
    for (const Words& words : {Words{"--flask", "--", "app"}, {"--preset", "flask", "--", "app"}}) {
        const auto options = good(words);
        EXPECT_EQ(options.preset->name, "flask");
        EXPECT_EQ(options.stop_signal, 2);
        EXPECT_EQ(options.stop_timeout, seconds(2));
        EXPECT_EQ(options.sockets, (std::vector<SocketSpec>{{"http", "127.0.0.1", "5000"}}));
    }
    const auto own = good({"--flask", "--socket", "8080", "--stop-signal", "TERM", "--stop-timeout",
                           "1min", "--", "app"});
    EXPECT_EQ(own.sockets, (std::vector<SocketSpec>{{"http", "127.0.0.1", "8080"}}));
    EXPECT_EQ(own.stop_signal, 15);
    EXPECT_EQ(own.stop_timeout, seconds(60));
}

TEST_F(OptionsTest, a_preset_is_recognised_unless_one_is_named) {
    const auto flask = good({"--", "flask", "run", "-p", "81"});
    EXPECT_EQ(flask.preset->name, "flask");
    EXPECT_TRUE(flask.recognised);
    EXPECT_EQ(flask.sockets, (std::vector<SocketSpec>{{"http", "127.0.0.1", "81"}}));
    const auto switched_off = good({"--preset", "none", "--", "flask", "run"});
    EXPECT_EQ(switched_off.preset->name, "none");
    EXPECT_FALSE(switched_off.recognised);
    EXPECT_TRUE(switched_off.sockets.empty());
    EXPECT_FALSE(good({"--flask", "--", "flask", "run"}).recognised) << "asked for";
    EXPECT_EQ(good({"--preset", "node", "--", "flask", "run"}).preset->name, "node");
    EXPECT_EQ(good({"--", "app"}).preset->name, "none");
    expect_usage({"--flask", "--preset", "none", "--", "app"}, "exclude each other");
}

TEST_F(OptionsTest, what_clients_get_without_a_worker) {
    EXPECT_EQ(good({"--", "app"}).down, Down::hold);
    EXPECT_EQ(good({"--socket", "1", "--", "app"}).down, Down::hold) << "it may speak anything";
    EXPECT_EQ(good({"--socket", "1", "--flask", "--", "app"}).down, Down::unavailable);
    EXPECT_EQ(good({"--socket", "1", "--", "node", "x.js"}).down, Down::unavailable);
    EXPECT_EQ(good({"--socket", "1", "--socket", "unix:/x", "--", "node", "x.js"}).down,
              Down::hold);
    EXPECT_EQ(good({"--flask", "--down", "hold", "--", "app"}).down, Down::hold);
    EXPECT_EQ(good({"--socket", "1", "--down", "503", "--", "app"}).down, Down::unavailable);
    EXPECT_EQ(good({"--socket", "1", "--down", "refuse", "--", "app"}).down, Down::refuse);
    expect_usage({"--socket", "0", "--down", "refuse", "--", "app"}, "--down refuse needs");
    expect_usage({"--socket", "unix:/x", "--down", "refuse", "--", "app"}, "--down refuse needs");
    expect_usage({"--down", "503s", "--", "app"}, "--down");
}

TEST_F(OptionsTest, values) {
    EXPECT_EQ(good({"--debounce", "100ms", "--", "app"}).debounce, milliseconds(100));
    EXPECT_EQ(good({"-d", "0", "--", "app"}).debounce, milliseconds(0));
    EXPECT_EQ(good({"--stop-signal", "SIGINT", "--", "app"}).stop_signal, 2);
    EXPECT_EQ(good({"--stop-signal", "64", "--", "app"}).stop_signal, 64);
    EXPECT_EQ(good({"--on-exit", "wait", "--", "app"}).on_exit, OnExit::wait);
    EXPECT_EQ(good({"--on-exit", "restart", "--", "app"}).on_exit, OnExit::restart);
    EXPECT_EQ(good({"--on-exit", "exit", "--", "app"}).on_exit, OnExit::finish);
    EXPECT_EQ(good({"--on-crash", "restart", "--", "app"}).on_crash, OnCrash::restart);
    EXPECT_EQ(good({"--on-crash", "wait", "--", "app"}).on_crash, OnCrash::wait);
    EXPECT_EQ(good({"--on-crash", "exit", "--", "app"}).on_crash, OnCrash::finish);
    EXPECT_EQ(good({"--state-dir", "x/y", "--", "app"}).state_dir, "x/y");
    EXPECT_EQ(good({"-q", "--", "app"}).log_level, log::Level::warn);
    EXPECT_EQ(good({"-v", "--", "app"}).log_level, log::Level::debug);
    EXPECT_EQ(good({"--socket", "1", "--socket", "b=[::1]:2", "--", "app"}).sockets,
              (std::vector<SocketSpec>{{"http", "127.0.0.1", "1"}, {"b", "::1", "2"}}));
}

TEST_F(OptionsTest, without_a_command_it_is_our_worker) {
    const std::string ours = (home / "worker" / "worker").string();
    for (const Words& words : {Words{}, {"--", "worker"}}) {
        const auto options = good(words);
        EXPECT_EQ(options.command, Words{ours});
        EXPECT_TRUE(options.our_worker);
        EXPECT_EQ(options.stop_timeout, seconds(35));
    }
    EXPECT_EQ(good({"--", "worker", "--once"}).command, (Words{ours, "--once"}));
    EXPECT_EQ(good({"--stop-timeout", "1s"}).stop_timeout, seconds(1));
    EXPECT_FALSE(good({"--", "./worker"}).our_worker) << "a path is the user's own";
}

TEST_F(OptionsTest, helpers_of_an_installation) {
    fs::remove_all(home / "worker");
    fs::remove(home / "supervisor" / "warden");
    put(home / "libexec" / "oneloop" / "warden");
    put(home / "libexec" / "oneloop" / "worker");
    const auto options = good({});
    EXPECT_EQ(options.warden_path, (home / "libexec" / "oneloop" / "warden").string());
    EXPECT_EQ(options.command, Words{(home / "libexec" / "oneloop" / "worker").string()});
}

TEST_F(OptionsTest, a_missing_warden_is_said_at_once) {
    fs::remove(home / "supervisor" / "warden");
    const auto options = parse({"--", "app"});
    ASSERT_FALSE(options.has_value());
    EXPECT_EQ(options.error().code, exit_internal);
    EXPECT_NE(options.error().text.find("the warden is missing"), std::string::npos);
}

}  // namespace
}  // namespace oneloop
