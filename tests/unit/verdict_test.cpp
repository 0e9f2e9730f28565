// Every way in which an exchange ends, and what it means.
#include "worker/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oneloop::worker {
namespace {

std::string word(const Outcome& outcome) {
    if (std::get_if<Accepted>(&outcome)) return "accepted";
    if (const auto* refused = std::get_if<Refused>(&outcome))
        return refused->permanent ? "refused for good" : "refused for now";
    if (const auto* not_sent = std::get_if<NotSent>(&outcome))
        return not_sent->nobody_there ? "nobody there" : "not sent";
    return std::get_if<Stopped>(&outcome) ? "stopped" : "no answer";
}

Exchange end(int code, bool addressed, bool armed, bool complete = false) {
    Exchange exchange;
    exchange.code = code;
    exchange.addressed = addressed;
    exchange.armed = armed;
    exchange.complete = complete;
    exchange.answer = code ? std::to_string(code) + " words" : "";
    exchange.error = "Failure when receiving data from the peer";
    return exchange;
}

TEST(Verdict, Smtp) {
    const struct {
        const char* what;
        Exchange exchange;
        const char* means;
    } ends[] = {
        {"accepted", end(250, true, true, true), "accepted"},
        {"accepted, then the connection broke", end(250, true, true), "accepted"},
        {"connection refused", end(0, false, false), "nobody there"},
        {"closed before the greeting", end(0, false, false), "nobody there"},
        {"greeted with 554", end(554, false, false), "nobody there"},
        {"no STARTTLS", end(250, false, false), "nobody there"},
        {"wrong password", end(535, false, false), "nobody there"},
        {"closed after MAIL", end(250, true, false), "not sent"},
        {"MAIL 451", end(451, true, false), "refused for now"},
        {"RCPT 450", end(450, true, false), "refused for now"},
        {"RCPT 550", end(550, true, false), "refused for good"},
        {"DATA 451", end(451, true, false), "refused for now"},
        {"DATA 554", end(554, true, false), "refused for good"},
        {"421 in the middle", end(421, true, false), "refused for now"},
        {"closed in the payload", end(354, true, false), "not sent"},
        {"451 after the dot", end(451, true, true), "refused for now"},
        {"554 after the dot", end(554, true, true), "refused for good"},
        {"closed after the dot", end(354, true, true), "no answer"},
        {"silent after the dot", end(354, true, true), "no answer"},
    };
    for (const auto& one : ends)
        EXPECT_EQ(word(judge_smtp(one.exchange)), one.means) << one.what;
}

TEST(Verdict, AStopIsNoFailureUntilTheEndOfThePayload) {
    Exchange exchange = end(354, true, false);
    exchange.stopped = true;
    EXPECT_EQ(word(judge_smtp(exchange)), "stopped");
    exchange.armed = true;
    EXPECT_EQ(word(judge_smtp(exchange)), "no answer");
}

// Whatever the rest says: without the end of the payload nothing was accepted, and with it only a
// 2xx says that it was, and only 4xx and 5xx that it was not.
TEST(Verdict, AcceptedAndUnknownNeedTheEndOfThePayload) {
    for (int code = 0; code < 600; ++code) {
        for (const bool addressed : {false, true}) {
            for (const bool complete : {false, true}) {
                const std::string before = word(judge_smtp(end(code, addressed, false, complete)));
                EXPECT_TRUE(before != "accepted" && before != "no answer") << code;
                const std::string after = word(judge_smtp(end(code, addressed, true, complete)));
                EXPECT_EQ(after == "accepted", code / 100 == 2) << code;
                EXPECT_EQ(after == "no answer", code < 200 || code / 100 == 3) << code;
            }
        }
    }
}

TEST(Verdict, Http) {
    const auto http = [](int code, bool armed) {
        return word(judge_http(end(code, false, armed)));
    };
    EXPECT_EQ(http(200, true), "accepted");
    EXPECT_EQ(http(204, true), "accepted");
    EXPECT_EQ(http(0, false), "nobody there");
    EXPECT_EQ(http(0, true), "no answer");
    EXPECT_EQ(http(100, true), "no answer");
    EXPECT_EQ(http(103, true), "no answer");
    EXPECT_EQ(http(100, false), "nobody there");
    EXPECT_EQ(http(302, true), "refused for good");
    EXPECT_EQ(http(401, true), "refused for good");
    EXPECT_EQ(http(413, false), "refused for good");
    EXPECT_EQ(http(429, true), "refused for now");
    EXPECT_EQ(http(503, true), "refused for now");
    EXPECT_EQ(http(502, true), "no answer");
    EXPECT_EQ(http(504, true), "no answer");
    EXPECT_EQ(http(502, false), "refused for now");
}

TEST(Verdict, Exec) {
    EXPECT_EQ(word(judge_exec(0, 0, false, "")), "accepted");
    EXPECT_EQ(word(judge_exec(1, 0, false, "no")), "refused for now");
    EXPECT_EQ(word(judge_exec(0, 9, false, "")), "no answer");
    EXPECT_EQ(word(judge_exec(0, 9, true, "")), "no answer");
}

}  // namespace
}  // namespace oneloop::worker
