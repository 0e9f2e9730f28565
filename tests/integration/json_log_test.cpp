// --log-format json: every line is an object, and every restart is told with all its parts.
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

using Json = nlohmann::json;

class JsonLog : public SupervisorFixture {
  protected:
    // Every line has to be an object with the fields that all events have.
    [[nodiscard]] std::vector<Json> events() const {
        std::vector<Json> all;
        std::istringstream lines(read_file(console));
        std::string line;
        while (std::getline(lines, line)) {
            auto json = Json::parse(line, nullptr, false);
            EXPECT_TRUE(json.is_object()) << line;
            if (!json.is_object()) continue;
            for (const char* field : {"time", "level", "event", "text"})
                EXPECT_TRUE(json[field].is_string()) << line;
            all.push_back(std::move(json));
        }
        return all;
    }
    [[nodiscard]] std::vector<Json> events(const std::string& name) const {
        auto all = events();
        std::erase_if(all, [&](const Json& event) { return event["event"] != name; });
        return all;
    }
    [[nodiscard]] int pid_in_log(int start) const {
        const std::string text = read_file(log);
        std::size_t at = 0;
        for (int i = 0; i < start; ++i)
            at = text.find("generation=", at + 1);
        return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + 11);
    }
};

TEST_F(JsonLog, ARestartAfterAnEditHasAllItsParts) {
    auto supervisor = supervise({"--watch", "--log-format", "json"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2));
    stop(supervisor);
    const auto started = events("worker_started");
    ASSERT_EQ(started.size(), 2U) << read_file(console);
    EXPECT_FALSE(started[0].contains("cause"));
    EXPECT_FALSE(started[0].contains("old_pid"));
    const Json& restart = started[1];
    EXPECT_EQ(restart["old_pid"], started[0]["pid"]);
    EXPECT_NE(restart["pid"], started[0]["pid"]);
    EXPECT_EQ(restart["generation"].get<int>(), started[0]["generation"].get<int>() + 1);
    EXPECT_EQ(restart["generation"].get<int>(), pid_in_log(2));
    EXPECT_EQ(restart["cause"], "change");
    EXPECT_EQ(restart["paths"], Json::array({"app.py"}));
    EXPECT_EQ(restart["count"], 1);
    EXPECT_TRUE(restart["stop_ms"].is_number_integer());
    EXPECT_TRUE(restart["start_ms"].is_number_integer());
    EXPECT_EQ(events("changed").size(), 1U);
    EXPECT_EQ(events("watching").at(0)["directories"], 1);
    EXPECT_EQ(events("worker_stopped").at(0)["pid"], restart["pid"]);
}

TEST_F(JsonLog, ADeafWorkerThatIsKilledIsAnEvent) {
    auto supervisor = supervise({"--watch", "--stop-timeout", "200ms", "--log-format=json"},
                                probe({"--ignore-term"}));
    ASSERT_TRUE(wait_for_starts(1));
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2));
    supervisor.signal(SIGTERM);
    ASSERT_TRUE(supervisor.wait(seconds(15)));
    const auto killed = events("worker_killed");
    ASSERT_GE(killed.size(), 1U) << read_file(console);
    EXPECT_EQ(killed[0]["level"], "warning");
    EXPECT_GE(killed[0]["waited_ms"], 200);
}

TEST_F(JsonLog, CrashesHaveTheirCodeTheirDelayAndWhatFollows) {
    auto supervisor = supervise({"--watch", "--log-format=json"}, probe({"--exit", "7"}));
    ASSERT_TRUE(wait_until([&] { return said("\"next\":\"wait\"") == 1; }, seconds(20)));
    stop(supervisor);
    const auto ended = events("worker_ended");
    ASSERT_EQ(ended.size(), 3U) << read_file(console);
    for (int i = 0; i < 3; ++i) {
        const Json& end = ended.at(static_cast<std::size_t>(i));
        EXPECT_EQ(end["exit"], 7);
        EXPECT_EQ(end["failure"], true);
        EXPECT_EQ(end["quick_failures"], i + 1);
        EXPECT_EQ(end["next"], i < 2 ? "restart" : "wait");
        EXPECT_EQ(end.contains("delay_ms"), i < 2);
    }
    EXPECT_EQ(events("worker_started").at(1)["cause"], "crash");
}

// What goes wrong before the loop runs is an object as well.
TEST_F(JsonLog, ASecondStartIsRefusedWithAnObject) {
    auto first = supervise({"--log-format=json"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    auto second = supervise({"--if-running=error", "--log-format=json"}, probe());
    EXPECT_EQ(second.wait(seconds(15)), (ExitStatus{75, 0}));
    stop(first);
    EXPECT_FALSE(events().empty());
}

TEST_F(JsonLog, ControlTheTextFormIsNoJson) {
    auto supervisor = supervise({}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    stop(supervisor);
    EXPECT_FALSE(Json::accept(read_file(console)));
}

}  // namespace
}  // namespace oneloop::test
