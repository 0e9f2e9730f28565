// A recording holds what a later run needs of each reply.
#include "worker/recording.h"

#include <gtest/gtest.h>

#include "worker/memo.h"

namespace oneloop::worker {
namespace {

HttpRequest question() {
    HttpRequest request;
    request.method = "GET";
    request.url = "https://cinema.test/";
    return request;
}

HttpReply played(const HttpReply& reply) {
    Recorded recorded;
    recorded.request = name_of_request(question());
    recorded.reply = reply;
    const auto again = from_line(to_line(recorded));
    EXPECT_TRUE(again);
    return again.value_or(Recorded{}).reply;
}

TEST(Recording, AReplyComesBackAsItWas) {
    HttpReply reply;
    reply.code = 503;
    reply.body = "별\n";
    reply.content_type = "text/plain";
    reply.etag = "\"1\"";
    reply.last_modified = "Wed, 03 Dec 2025 00:00:00 GMT";
    reply.retry_after = std::chrono::seconds(7);
    reply.took = std::chrono::milliseconds(12);
    const HttpReply again = played(reply);
    EXPECT_EQ(again.code, 503);
    EXPECT_EQ(again.body, reply.body);
    EXPECT_EQ(again.content_type, reply.content_type);
    EXPECT_EQ(again.etag, reply.etag);
    EXPECT_EQ(again.last_modified, reply.last_modified);
    EXPECT_EQ(again.retry_after, reply.retry_after);
    EXPECT_EQ(again.took, reply.took);
}

TEST(Recording, APlayed304ConfirmsThePlayedReply) {
    HttpReply first, second;
    first.code = 200;
    first.etag = "\"1\"";
    first.body = "rows";
    second.code = 304;
    Memo memo;
    const std::string key = Memo::key_of(question());
    (void)memo.keep(key, played(first), BootTime{}, false);
    EXPECT_EQ(memo.keep(key, played(second), BootTime{}, false).body, "rows");
    // The control: without its tag nothing is confirmed.
    Memo forgetful;
    first.etag.clear();
    (void)forgetful.keep(key, played(first), BootTime{}, false);
    EXPECT_EQ(forgetful.keep(key, played(second), BootTime{}, false).code, 304);
}

}  // namespace
}  // namespace oneloop::worker
