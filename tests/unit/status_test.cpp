// What the HTTP server answers.
#include "worker/status.h"
#include "worker/status_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
const BootTime now{1h};

Snapshot polling() {
    Snapshot snapshot;
    snapshot.version = "1.2.3";
    snapshot.job = "megabox";
    snapshot.polling = true;
    snapshot.tick = 7;
    snapshot.source = "ok";
    snapshot.overdue = now + 1s;
    return snapshot;
}

HttpAnswer get(const Snapshot& snapshot, const std::string& path) {
    if (path == "/healthz") return health_answer(snapshot, now);
    if (path == "/readyz") return ready_answer(snapshot);
    if (path == "/status") return status_answer(snapshot, 12s);
    return home_answer(snapshot);
}

TEST(Status, BeforeTheFirstPoll) {
    const json body = json::parse(get(Snapshot{}, "/status").body);
    EXPECT_EQ(body["open"], false);
    EXPECT_TRUE(body["lastCheck"].is_null());
    EXPECT_TRUE(body["info"].is_null());
    EXPECT_EQ(body["oneloop"]["polling"], false);
    EXPECT_EQ(body["oneloop"]["source"], "starting");
}

TEST(Status, KeepsTheShapeOfTheOriginal) {
    Snapshot snapshot = polling();
    snapshot.open = true;
    snapshot.checked = "2025-12-03 20:47:45";
    snapshot.rows = {R"({"playStartTime":"19:00","date":"20251203"})"};
    const HttpAnswer got = get(snapshot, "/status");
    EXPECT_TRUE(got.any_origin);
    const json body = json::parse(got.body);
    EXPECT_EQ(body["open"], true);
    EXPECT_EQ(body["lastCheck"], "2025-12-03 20:47:45");
    EXPECT_EQ(body["info"][0]["date"], "20251203");
    EXPECT_EQ(body["oneloop"]["tick"], 7);
    EXPECT_EQ(body["oneloop"]["uptime_s"], 12);
    EXPECT_TRUE(body["oneloop"]["why_not"].is_null());
}

TEST(Status, SaysWhyItDoesNotPoll) {
    Snapshot snapshot = polling();
    snapshot.polling = false;
    snapshot.why_not = "because \xFF";  // not UTF-8: replaced, not fatal
    const json body = json::parse(get(snapshot, "/status").body);
    EXPECT_THAT(body["oneloop"]["why_not"].get<std::string>(), testing::StartsWith("because "));
    EXPECT_EQ(get(snapshot, "/healthz").code, 503U);
}

TEST(Status, HealthFollowsTheLoop) {
    Snapshot snapshot = polling();
    EXPECT_EQ(get(snapshot, "/healthz").code, 200U);
    snapshot.overdue = now - 1ns;
    EXPECT_EQ(get(snapshot, "/healthz").code, 503U);
    EXPECT_THAT(get(snapshot, "/healthz").body, testing::HasSubstr("overdue"));
}

TEST(Status, ReadyIsWhoPollsAndStores) {
    Snapshot snapshot = polling();
    EXPECT_EQ(get(snapshot, "/readyz").code, 200U);
    snapshot.trouble = "disk full";
    EXPECT_EQ(get(snapshot, "/readyz").code, 503U);
    EXPECT_EQ(json::parse(get(snapshot, "/readyz").body)["reason"], "store");
    snapshot = Snapshot{};
    snapshot.why_not = "starting";
    EXPECT_EQ(json::parse(get(snapshot, "/readyz").body)["reason"], "starting");
    snapshot.why_not = "another process polls";
    EXPECT_EQ(json::parse(get(snapshot, "/readyz").body)["reason"], "standby");
    EXPECT_EQ(get(snapshot, "/readyz").code, 503U);
}

TEST(Status, HomeIsOneLine) {
    const std::string line = get(polling(), "/").body;
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

TEST(Status, TheOutboxIsCountedAndWhatIsUncertainIsListed) {
    StatusBoard board;
    const auto shown = [&] {
        const auto said = status_answer(*board.read(), 1s);
        return nlohmann::json::parse(said.body)["oneloop"]["outbox"];
    };
    EXPECT_TRUE(shown().is_null());
    OutboxStatus outbox;
    outbox.counts.sent = 3;
    outbox.counts.uncertain = 1;
    outbox.which = {{"k3y", "me", "a@b", "subject", "2025-12-02T12:00:00+09:00", "354"}};
    board.publish_outbox(outbox);
    board.publish(Snapshot{});  // the poller's does not wipe it out
    EXPECT_EQ(shown()["sent"], 3);
    EXPECT_EQ(shown()["uncertain"], 1);
    EXPECT_EQ(shown()["uncertain_messages"][0]["key"], "k3y");
    EXPECT_EQ(shown()["doubtful_ever"], 0);
}

}  // namespace
}  // namespace oneloop::worker
