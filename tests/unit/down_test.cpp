// down: when clients are told that no worker is there, and what they are told.
#include "supervisor/down.h"

#include <gtest/gtest.h>

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr SteadyTime now{seconds(1000)};

Lifecycle in(State state) {
    Lifecycle life;
    life.state = std::move(state);
    return life;
}
std::optional<DownNotice> told(const Lifecycle& life, Down mode = Down::unavailable) {
    return down_notice(mode, life, now, "worker 4711 crashed");
}

TEST(DownNotice, only_while_no_worker_lives_and_none_is_about_to_start) {
    EXPECT_TRUE(told(in(Waiting{})));
    EXPECT_TRUE(told(in(Waiting{now + milliseconds(1)})));
    EXPECT_FALSE(told(in(Waiting{now}))) << "due";
    EXPECT_FALSE(told(in(Waiting{now - seconds(1)})));
    EXPECT_FALSE(told(in(Waiting{SteadyTime::min()}))) << "the first start";
    EXPECT_FALSE(told(in(Running{now})));
    EXPECT_FALSE(told(in(Stopping{})));
    EXPECT_FALSE(told(in(Finished{})));
    auto life = in(Waiting{});
    life.gathering = true;
    EXPECT_FALSE(told(life)) << "a burst of changes ends in a start";
    life = in(Waiting{});
    life.finishing = StopRequested{};
    EXPECT_FALSE(told(life));
}

TEST(DownNotice, in_every_mode_but_hold) {
    EXPECT_FALSE(told(in(Waiting{}), Down::hold));
    EXPECT_TRUE(told(in(Waiting{}), Down::refuse));
}

TEST(DownNotice, says_when_to_try_again) {
    EXPECT_EQ(told(in(Waiting{}))->retry_after, 5);
    EXPECT_EQ(told(in(Waiting{now + milliseconds(1)}))->retry_after, 1);
    EXPECT_EQ(told(in(Waiting{now + seconds(1)}))->retry_after, 1);
    EXPECT_EQ(told(in(Waiting{now + milliseconds(1001)}))->retry_after, 2);
    EXPECT_EQ(told(in(Waiting{now + seconds(30)}))->retry_after, 30);
}

TEST(DownNotice, is_one_line) {
    const auto notice = down_notice(Down::unavailable, in(Waiting{}), now, "a\r\nX-Header: b\tc");
    EXPECT_EQ(notice->text, "a  X-Header: b c");
    EXPECT_EQ(down_notice(Down::unavailable, in(Waiting{}), now, "")->text, "no worker is running");
}

TEST(DownAnswer, is_a_whole_answer) {
    const std::string answer = down_answer({7, "worker 4711 crashed"}, "GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(answer.find("HTTP/1.1 503 Service Unavailable\r\n"), 0U);
    EXPECT_NE(answer.find("\r\nRetry-After: 7\r\n"), std::string::npos);
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
    const std::string body = answer.substr(answer.find("\r\n\r\n") + 4);
    EXPECT_EQ(body, "503 Service Unavailable: worker 4711 crashed\n");
    EXPECT_NE(answer.find("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"),
              std::string::npos);
}

TEST(DownAnswer, to_head_has_no_body) {
    const std::string answer = down_answer({7, "x"}, "HEAD / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
    EXPECT_NE(answer.find("Content-Length: 27\r\n"), std::string::npos) << answer;
}

}  // namespace
}  // namespace oneloop
