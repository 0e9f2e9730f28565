// control_protocol: which lines are requests, and what the replies look like, at both ends.
#include "supervisor/control_protocol.h"

#include <gtest/gtest.h>

#include <random>

namespace oneloop::control {
namespace {

constexpr Request every[] = {Request::ping,    Request::status, Request::why,
                             Request::restart, Request::pause,  Request::resume,
                             Request::reload,  Request::stop,   Request::release};

StatusReport full_report() {
    StatusReport report;
    report.version = "1.2.3";
    report.instance = "01234567-89ab-cdef-0123-456789abcdef";
    report.directory = "/var/lib/x/project-1";
    report.lock = "/var/lib/x/project-1/supervisor.lock";
    report.cwd = "/srv/project";
    report.command = {"python3", "app.py", ""};
    report.supervisor_pid = 4700;
    report.supervisor_since = 1'700'000'000;
    report.isolation = "subreaper";
    report.weaker = {"one thing", "another thing"};
    report.watching = Watching{3, 12, 5};
    report.sockets = {{"web", "127.0.0.1:5000", 3}, {"", "[::1]:80", 4}};
    report.state = "running";
    report.paused = true;
    report.held_changes = 2;
    report.held_own_writes = {"gen.py", "sub/gen.py"};
    report.build = "build failed: exit 2 after 1.3s";
    report.generation = 18'000'000'000ULL;
    report.worker_pid = 4711;
    report.worker_since = 1'700'000'100;
    report.restarts = 7;
    report.last_end = End{"worker 4710 crashed: exit 7 after 0.3s", 1'700'000'099};
    report.last_restart = Cause{"change",      "app.py (+2 more)",        "app.py", 3, true,
                                1'700'000'100, {"app.py", "b.py", "c.py"}};
    report.next_try_in_ms = 1500;
    return report;
}

std::string without_newline(std::string text) {
    EXPECT_TRUE(text.ends_with('\n'));
    text.pop_back();
    EXPECT_EQ(text.find('\n'), std::string::npos) << "one line";
    return text;
}

TEST(ParseRequest, knows_every_request_that_it_formats) {
    for (const Request request : every) {
        const auto parsed = parse_request(without_newline(format_request(request)));
        ASSERT_TRUE(parsed.has_value()) << parsed.error().what;
        EXPECT_EQ(*parsed, request);
    }
}

TEST(ParseRequest, good_lines) {
    const std::pair<const char*, Request> lines[] = {
        {R"({"command":"ping"})", Request::ping},
        {R"({"command":"status"})", Request::status},
        {R"({"command":"why"})", Request::why},
        {R"({"command":"restart"})", Request::restart},
        {R"({"command":"pause"})", Request::pause},
        {R"({"command":"resume"})", Request::resume},
        {R"({"command":"reload"})", Request::reload},
        {R"({"command":"stop"})", Request::stop},
        {R"(  { "command" : "stop" }  )", Request::stop},
        {"{\"command\":\"ping\"}\r", Request::ping},
        {R"({"command":"\u0070ing"})", Request::ping},
        {R"({"\u0063ommand":"ping"})", Request::ping},
    };
    for (const auto& [line, request] : lines) {
        const auto parsed = parse_request(line);
        ASSERT_TRUE(parsed.has_value()) << line << ": " << parsed.error().what;
        EXPECT_EQ(*parsed, request) << line;
    }
}

TEST(ParseRequest, bad_lines_and_what_is_said_about_them) {
    const std::pair<std::string, const char*> lines[] = {
        {"", "not JSON"},
        {" ", "not JSON"},
        {"status", "not JSON"},
        {"{", "not JSON"},
        {R"({"command":"status")", "not JSON"},
        {R"({"command":"status"}})", "not JSON"},
        {R"({"command":"status"}{"command":"stop"})", "not JSON"},
        {R"({'command':'status'})", "not JSON"},
        {R"({"command":"status",})", "not JSON"},
        {"{\"command\":\"st\x01op\"}", "not JSON"},
        {"{\"command\":\"\xff\xfe\"}", "not JSON"},
        {std::string("{\"command\":\"stop\0\"}", 19), "not JSON"},
        {std::string("\0", 1), "not JSON"},
        {"null", "an object is needed"},
        {"true", "an object is needed"},
        {"42", "an object is needed"},
        {"1e999", "not JSON"},
        {R"("stop")", "an object is needed"},
        {"[]", "an object is needed"},
        {R"([{"command":"stop"}])", "an object is needed"},
        {"{}", "\"command\" is missing"},
        {R"({"Command":"stop"})", "\"command\" is missing"},
        {R"({"command":null})", "\"command\" is not a string"},
        {R"({"command":7})", "\"command\" is not a string"},
        {R"({"command":["stop"]})", "\"command\" is not a string"},
        {R"({"command":{"command":"stop"}})", "\"command\" is not a string"},
        {R"({"command":""})", "unknown command \"\""},
        {R"({"command":"STOP"})", "unknown command \"STOP\""},
        {R"({"command":"stop "})", "unknown command \"stop \""},
        {R"({"command":"kill"})", "unknown command \"kill\"; there are ping, status, why"},
        {R"({"command":"stop","force":true})", "unknown field \"force\""},
        {R"({"dry_run":true,"command":"stop"})", "unknown field \"dry_run\""},
        {R"({"command":"stop","":1})", "unknown field \"\""},
        {std::string(longest_line + 1, ' '), "longer than 64 KiB"},
        {std::string(longest_line, '['), "not JSON"},
        {std::string(longest_line, '9'), "not JSON"},
    };
    for (const auto& [line, said] : lines) {
        const auto parsed = parse_request(line);
        ASSERT_FALSE(parsed.has_value()) << line;
        EXPECT_NE(parsed.error().what.find(said), std::string::npos)
            << line.substr(0, 80) << ": " << parsed.error().what;
    }
}

TEST(ParseRequest, a_line_of_exactly_the_limit_is_read) {
    std::string line = R"({"command":"ping"})";
    line.resize(longest_line, ' ');
    EXPECT_TRUE(parse_request(line).has_value());
    line += ' ';
    EXPECT_FALSE(parse_request(line).has_value());
}

TEST(ParseRequest, no_truncated_line_is_a_request) {
    for (const Request request : every) {
        const std::string line = without_newline(format_request(request));
        for (std::size_t size = 0; size < line.size(); ++size)
            EXPECT_FALSE(parse_request(line.substr(0, size)).has_value()) << line.substr(0, size);
    }
}

TEST(ParseRequest, random_bytes_and_damaged_lines_are_refused_or_right) {
    std::mt19937 random(4711);
    for (int round = 0; round < 100'000; ++round) {
        std::string line;
        if (round % 2 == 0) {
            line.resize(random() % 64);
            for (char& c : line)
                c = static_cast<char>(random());
        } else {
            line = without_newline(format_request(every[random() % std::size(every)]));
            line[random() % line.size()] = static_cast<char>(random());
        }
        // What is accepted has its name in it: no accident restarts or stops anything.
        if (const auto parsed = parse_request(line)) {
            const std::string name = without_newline(format_request(*parsed));
            EXPECT_NE(line.find(name.substr(12, name.size() - 14)), std::string::npos) << line;
        } else {
            EXPECT_FALSE(parsed.error().what.empty());
            EXPECT_EQ(parse_reply(format_error(parsed.error().what))->ok, false)
                << "whatever was sent, the answer is a line of JSON";
        }
    }
}

TEST(Replies, look_as_documented) {
    EXPECT_EQ(format_ok(), "{\"ok\":true}\n");
    EXPECT_EQ(format_error("no \"x\""), "{\"ok\":false,\"error\":\"no \\\"x\\\"\"}\n");
    EXPECT_EQ(format_request(Request::status), "{\"command\":\"status\"}\n");
    EXPECT_EQ(
        format_status(StatusReport{}),
        R"({"ok":true,"status":{"version":"","instance":"","directory":"","lock":"",)"
        R"("cwd":"","command":[],"supervisor":{"pid":0,"since":0},"isolation":"",)"
        R"("weaker":[],"watching":null,"sockets":[],"state":"","paused":false,)"
        R"("held_changes":0,"held_own_writes":[],"build":null,"generation":0,"worker":null,)"
        R"("ready":false,"ready_after_ms":null,"ready_held":null,"status_text":null,"watchdog":null,)"
        R"("restarts":0,"last_end":null,)"
        R"("last_restart":null,"next_try_in_ms":null}})"
        "\n");
    EXPECT_EQ(format_why(StatusReport{}),
              R"({"ok":true,"why":{"restarts":0,"last_restart":null,"last_end":null,)"
              R"("held_own_writes":[]}})"
              "\n");
}

TEST(Replies, a_status_comes_back_as_it_was) {
    for (const auto& report : {full_report(), StatusReport{}}) {
        const auto reply = parse_reply(without_newline(format_status(report)));
        ASSERT_TRUE(reply.has_value()) << reply.error().what;
        EXPECT_TRUE(reply->ok);
        ASSERT_TRUE(reply->status.has_value());
        EXPECT_EQ(*reply->status, report);
    }
}

TEST(Replies, an_error_comes_back_as_it_was) {
    const auto reply = parse_reply(without_newline(format_error("line 1\nline 2 \x01 \"")));
    ASSERT_TRUE(reply.has_value());
    EXPECT_FALSE(reply->ok);
    EXPECT_EQ(reply->error, "line 1\nline 2 \x01 \"");
}

TEST(Replies, a_file_name_that_is_not_utf8_does_not_spoil_the_line) {
    StatusReport report = full_report();
    report.last_restart->path = "caf\xe9.py";
    report.cwd = "/srv/\xff";
    const auto reply = parse_reply(without_newline(format_status(report)));
    ASSERT_TRUE(reply && reply->status);
    EXPECT_EQ(reply->status->last_restart->path, "caf\xef\xbf\xbd.py");
    EXPECT_EQ(reply->status->cwd, "/srv/\xef\xbf\xbd");
    EXPECT_EQ(reply->status->instance, report.instance);
}

TEST(Replies, an_answer_of_another_version_is_read_as_far_as_it_goes) {
    const auto reply = parse_reply(
        R"({"ok":true,"new":1,"status":{"state":"resting","command":["a",7,"b"],"paused":"yes",)"
        R"("worker":{"pid":99999999999,"since":"now"},"supervisor":[],"generation":-1,)"
        R"("restarts":1e3,"sockets":[{},7],"watching":7,"last_end":{},"last_restart":[],)"
        R"("next_try_in_ms":"soon","held_changes":18446744073709551615,)"
        R"("held_own_writes":[3,"gen.py",null]}})");
    ASSERT_TRUE(reply && reply->status);
    StatusReport expected;
    expected.state = "resting";
    expected.command = {"a", "b"};
    expected.sockets.resize(2);
    expected.held_own_writes = {"gen.py"};
    expected.last_end.emplace();
    EXPECT_EQ(*reply->status, expected);
}

TEST(Replies, sockets_that_are_handed_over_come_back_as_they_were) {
    const std::vector<Released> sockets = {{"web", "localhost", "0", "127.0.0.1:40123"},
                                           {"", "::", "80", "[::]:80"}};
    for (const auto& wanted : {sockets, std::vector<Released>{}}) {
        const auto reply = parse_reply(without_newline(format_released(wanted)));
        ASSERT_TRUE(reply && reply->released);
        EXPECT_TRUE(reply->ok);
        EXPECT_EQ(*reply->released, wanted);
        EXPECT_FALSE(reply->released_to);
    }
    EXPECT_EQ(format_released({sockets[0]}),
              R"({"ok":true,"sockets":[{"name":"web","host":"localhost","port":"0",)"
              R"("address":"127.0.0.1:40123"}]})"
              "\n");
}

TEST(Replies, who_asked_second_is_told_who_was_first) {
    for (const int pid : {4712, 0}) {
        const auto reply = parse_reply(without_newline(format_released_to(pid)));
        ASSERT_TRUE(reply.has_value());
        EXPECT_FALSE(reply->ok);
        EXPECT_EQ(reply->released_to, pid);
        EXPECT_NE(reply->error.find(pid > 0 ? "pid 4712 takes over" : "somebody takes over"),
                  std::string::npos);
    }
}

TEST(Replies, each_socket_counts_whatever_is_said_of_it) {
    const auto reply = parse_reply(R"({"ok":true,"sockets":[{"name":7,"port":"80"},null,[]]})");
    ASSERT_TRUE(reply && reply->released);
    EXPECT_EQ(*reply->released, (std::vector<Released>{{"", "", "80", ""}, {}, {}}));
    EXPECT_FALSE(parse_reply(R"({"ok":true,"sockets":{}})")->released);
}

TEST(Replies, what_is_no_answer_is_an_error) {
    for (const char* line : {"", "ok", "{}", "[]", "null", R"({"ok":"true"})", R"({"ok":1})",
                             R"({"status":{}})", "{\"ok\":true"}) {
        EXPECT_FALSE(parse_reply(line).has_value()) << line;
    }
    const std::string line = without_newline(format_status(full_report()));
    for (std::size_t size = 0; size < line.size(); ++size)
        EXPECT_FALSE(parse_reply(line.substr(0, size)).has_value()) << size;
}

}  // namespace
}  // namespace oneloop::control
