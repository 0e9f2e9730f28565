// Which replies are used twice, and which must not be.
#include "worker/memo.h"

#include <gtest/gtest.h>

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
constexpr BootTime start{1h};

HttpRequest request(const std::string& method = "GET") {
    HttpRequest result;
    result.method = method;
    result.url = "https://example.test/";
    return result;
}

HttpReply reply(int code, const std::string& body, const std::string& etag = "") {
    HttpReply result;
    result.code = code;
    result.body = body;
    result.etag = etag;
    return result;
}

std::string conditions(const Memo& memo, HttpRequest asked) {
    memo.add_conditions("k", asked);
    std::string text;
    for (const auto& [name, value] : asked.headers)
        text += name + ": " + value + "\n";
    return text;
}

TEST(Memo, WhatDiffersIsAnotherQuestion) {
    const std::string key = Memo::key_of(request());
    EXPECT_EQ(key, Memo::key_of(request()));
    std::vector<HttpRequest> others(7, request());
    others[0].method = "POST";
    others[1].url += "x";
    others[2].headers = {{"A", "b"}};
    others[3].form = {{"A", "b"}};
    others[4].json = "{}";
    others[5].user_agent = "me";
    others[6].form = {{"Ab", ""}};
    for (std::size_t i = 0; i < others.size(); ++i) {
        EXPECT_NE(Memo::key_of(others[i]), key) << i;
        for (std::size_t j = 0; j < i; ++j)
            EXPECT_NE(Memo::key_of(others[i]), Memo::key_of(others[j])) << i << " " << j;
    }
    // How long one waits for it is no part of the question.
    HttpRequest patient = request();
    patient.timeout = 99s;
    EXPECT_EQ(Memo::key_of(patient), key);
}

TEST(Memo, ASharedReplyIsUsedWhileItIsNew) {
    Memo memo;
    EXPECT_EQ(memo.recent("k", start), nullptr);
    memo.keep("k", reply(200, "a"), start, true);
    ASSERT_NE(memo.recent("k", start), nullptr);
    EXPECT_EQ(memo.recent("k", start)->body, "a");
    EXPECT_EQ(memo.recent("k", start + 1ns), nullptr);
    EXPECT_EQ(memo.recent("other", start), nullptr);
    memo.keep("k", reply(200, "b"), start + 1s, false);
    EXPECT_EQ(memo.recent("k", start), nullptr);  // nobody to share it with
}

TEST(Memo, ATagIsSentBackAndA304IsTheReplyThatItConfirms) {
    Memo memo;
    EXPECT_EQ(conditions(memo, request()), "");
    HttpReply tagged = reply(200, "a", "\"1\"");
    tagged.last_modified = "Wed, 21 Oct 2026 07:28:00 GMT";
    memo.keep("k", tagged, start, false);
    EXPECT_EQ(conditions(memo, request()),
              "If-None-Match: \"1\"\nIf-Modified-Since: Wed, 21 Oct 2026 07:28:00 GMT\n");
    HttpReply same = reply(304, "");
    same.took = 5ms;
    for (int i = 0; i < 3; ++i) {
        const HttpReply read = memo.keep("k", same, start + 30s, false);
        EXPECT_EQ(read.code, 200);
        EXPECT_EQ(read.body, "a");
        EXPECT_EQ(read.took, 5ms);
    }
    EXPECT_EQ(memo.keep("k", reply(200, "b"), start + 60s, false).body, "b");
    EXPECT_EQ(conditions(memo, request()), "");  // it came without a tag
}

TEST(Memo, OnlyAGetIsConditional) {
    Memo memo;
    memo.keep("k", reply(200, "a", "\"1\""), start, true);
    EXPECT_EQ(conditions(memo, request("POST")), "");
}

TEST(Memo, WhatIsNoAnswerIsNotConfirmed) {
    Memo memo;
    for (const HttpReply& bad : {reply(403, "no", "\"1\""), reply(500, "", "\"1\"")}) {
        memo.keep("k", bad, start, true);
        EXPECT_EQ(conditions(memo, request()), "");
    }
    HttpReply failed = reply(200, "", "\"1\"");
    failed.error = "reset";
    memo.keep("k", failed, start, true);
    EXPECT_EQ(conditions(memo, request()), "");
    // A refusal that calls itself 200.
    memo.keep("k", reply(200, "Workload is so high", "\"1\""), start, true);
    memo.distrust("k");
    EXPECT_EQ(conditions(memo, request()), "");
    EXPECT_EQ(memo.keep("k", reply(304, ""), start, true).code, 304);
}

TEST(Memo, ItDoesNotGrow) {
    Memo memo;
    const std::string large(1U << 20, 'x');
    for (int i = 0; i < 100; ++i)
        memo.keep(std::to_string(i), reply(200, large), start + std::chrono::seconds(i), true);
    int kept = 0;
    for (int i = 0; i < 100; ++i)
        kept += memo.recent(std::to_string(i), start) != nullptr;
    EXPECT_EQ(kept, static_cast<int>(Memo::most_bytes >> 20U));
    EXPECT_NE(memo.recent("99", start), nullptr);
    EXPECT_EQ(memo.recent("0", start), nullptr);
}

}  // namespace
}  // namespace oneloop::worker
