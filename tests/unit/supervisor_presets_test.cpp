// presets: the table of frameworks, and what must hold for every row of it.
#include "supervisor/presets.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "common/flag.h"
#include "supervisor/sockets.h"

namespace oneloop {
namespace {

std::vector<std::string> names() {
    std::vector<std::string> result;
    std::istringstream text(preset_names());
    for (std::string name; std::getline(text >> std::ws, name, ',');)
        result.push_back(name);
    return result;
}

TEST(Presets, every_listed_name_is_found_and_no_other) {
    ASSERT_FALSE(names().empty());
    for (const auto& name : names()) {
        const Preset* preset = find_preset(name);
        ASSERT_NE(preset, nullptr) << name;
        EXPECT_EQ(preset->name, name);
        EXPECT_EQ(find_preset(name), preset) << "it stays where it is";
    }
    for (const char* name : {"", "Flask", "flas", "flaskk", " flask", "unknown"})
        EXPECT_EQ(find_preset(name), nullptr) << name;
}

TEST(Presets, every_row_is_sound) {
    for (const auto& name : names()) {
        const Preset& preset = *find_preset(name);
        SCOPED_TRACE(name);
        EXPECT_FALSE(preset.summary.empty());
        EXPECT_GT(preset.stop_timeout, Duration{});
        EXPECT_TRUE(preset.stop_signal == SIGTERM || preset.stop_signal == SIGINT);
        if (!preset.default_socket.empty()) {
            EXPECT_TRUE(parse_socket(std::string(preset.default_socket)).has_value());
        }
        std::map<std::string_view, std::string_view> environment;
        for (const auto& [variable, value] : preset.environment) {
            EXPECT_TRUE(environment.emplace(variable, value).second) << variable;
            // What is set for the worker is also what is removed from what we inherited.
            const auto all = flag::all();
            EXPECT_TRUE(std::any_of(all.begin(), all.end(), [v = variable](const char* each) {
                return v == each;
            })) << variable;
            if (value == "{fd}") {
                EXPECT_FALSE(preset.default_socket.empty());
                EXPECT_TRUE(preset.descriptor_argument.empty()) << "else there may be no socket";
            }
        }
        EXPECT_EQ(preset.effect.empty(), preset.programs.empty()) << "who is recognised is told";
        EXPECT_EQ(preset.effect.find('\n'), std::string_view::npos);
        // Werkzeug reads both or neither.
        EXPECT_EQ(environment.contains(flag::werkzeug_run_main),
                  environment.contains(flag::werkzeug_server_fd));
    }
}

TEST(Presets, none_adds_nothing) {
    const Preset& none = *find_preset("none");
    EXPECT_TRUE(none.environment.empty());
    EXPECT_TRUE(none.default_socket.empty());
    EXPECT_EQ(none.stop_signal, SIGTERM);
    EXPECT_EQ(none.stop_timeout, std::chrono::seconds(10));
}

TEST(Presets, flask_is_what_werkzeugs_parent_would_be) {
    const Preset& flask = *find_preset("flask");
    const std::vector<std::pair<std::string_view, std::string_view>> expected = {
        {"WERKZEUG_RUN_MAIN", "true"}, {"WERKZEUG_SERVER_FD", "{fd}"}};
    EXPECT_EQ(flask.environment, expected);
    EXPECT_EQ(flask.default_socket, "127.0.0.1:5000");
    EXPECT_EQ(flask.stop_signal, SIGINT);
    EXPECT_EQ(flask.stop_timeout, std::chrono::seconds(2));
}

}  // namespace
}  // namespace oneloop
