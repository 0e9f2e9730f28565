// The small decisions of the API by value: bodies, mutes, tick notes, cursors, metrics.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "worker/api_body.h"
#include "worker/metrics.h"
#include "worker/mute.h"
#include "worker/tick_note.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

const WallTime noon = WallTime(1'764'676'800s);  // 2025-12-02T12:00:00Z

std::string stamp(WallTime time) {
    return std::to_string(
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

TEST(ApiBody, Rfc3339) {
    EXPECT_EQ(parse_rfc3339("2025-12-02T12:00:00Z"), noon);
    EXPECT_EQ(parse_rfc3339("2025-12-02t21:00:00+09:00"), noon);
    EXPECT_EQ(parse_rfc3339("2025-12-02T06:30:00.25-05:30"), noon);
    for (const char* none :
         {"", "2025-12-02", "2025-12-02T12:00:00", "2025-13-02T12:00:00Z", "2025-02-30T12:00:00Z",
          "2025-12-02T24:00:00Z", "2025-12-02T12:00:00.Z", "2025-12-02 12:00:00Z",
          "2025-12-02T12:00:00+9:00", "1969-12-02T12:00:00Z", "2999-12-02T12:00:00Z",
          "2025-12-02T12:00:00ZZ", "2025-12-02T12:60:00Z", "2025-1a-02T12:00:00Z",
          "2025-12-02T12:00:00+24:00"})
        EXPECT_EQ(parse_rfc3339(none), std::nullopt) << none;
}

TEST(ApiBody, AMuteSaysUntilWhen) {
    const auto read = read_mute(R"({"until":"2025-12-02T12:00:01Z"})", noon);
    ASSERT_TRUE(std::holds_alternative<WallTime>(read));
    EXPECT_EQ(std::get<WallTime>(read), noon + 1s);
    for (const char* body :
         {"", "{", "[]", "{}", R"({"until":5})", R"({"until":"soon"})",
          R"({"until":"2025-12-02T12:00:00Z"})", R"({"until":"2025-12-02T12:00:01Z","x":1})"}) {
        const auto refused = read_mute(body, noon);
        ASSERT_TRUE(std::holds_alternative<HttpAnswer>(refused)) << body;
        EXPECT_EQ(std::get<HttpAnswer>(refused).code, 400U) << body;
    }
}

TEST(Mute, KeepsWhatHappenedAndWritesNothing) {
    Alerts alerts;
    alerts.told = "all";
    alerts.events = {{"e", "opened", "i", 1}};
    alerts.messages.resize(2);
    alerts.overflow["me"] = 3;
    alerts.overflow_told = {"me"};
    alerts.down_told = true;
    const Alerts silent = silenced(alerts);
    EXPECT_EQ(silent.told, "all");
    EXPECT_EQ(silent.events.size(), 1U);
    EXPECT_TRUE(silent.messages.empty());
    EXPECT_TRUE(silent.overflow.empty());
    EXPECT_TRUE(silent.overflow_told.empty());
    EXPECT_EQ(silent.down_told, std::nullopt);  // told when it is still down afterwards
}

TickReport report(Source source) {
    TickReport tick;
    tick.watch = "w";
    tick.tick = 7;
    tick.http = 200;
    tick.took = 143ms;
    tick.rows = 37;
    DateReport date;
    date.source = source;
    if (source == Source::blocked) date.reason = "overload";
    Item free;
    free.seats = 88;
    Item full;
    full.seats = 0;
    date.matching = {free, full};
    date.bookable = 1;
    date.seats = 88;
    tick.dates = {date};
    return tick;
}

TEST(TickNote, SaysWhatWasSeenAndSinceWhen) {
    SourceSince since;
    json note = json::parse(tick_note(report(Source::ok), noon, since));
    EXPECT_EQ(note["seq"], 7);
    EXPECT_EQ(note["ms"], 143);
    EXPECT_EQ(note["matching"], 2);
    EXPECT_EQ(note["bookable"], 1);
    EXPECT_EQ(note["seats"], 88);
    EXPECT_EQ(note["outcome"], "ok");
    EXPECT_EQ(since.since, noon);
    (void)tick_note(report(Source::ok), noon + 30s, since);
    EXPECT_EQ(since.since, noon);  // it has been so all the time
    const std::string blocked = tick_note(report(Source::blocked), noon + 60s, since);
    EXPECT_EQ(json::parse(blocked)["reason"], "overload");
    EXPECT_EQ(since.since, noon + 60s);
    // After a restart it goes on.
    const SourceSince again = since_of(blocked);
    EXPECT_EQ(again.source, Source::blocked);
    EXPECT_EQ(again.since, noon + 60s);
    EXPECT_EQ(since_of("").source, Source::starting);
    EXPECT_EQ(since_of("[1]").source, Source::starting);
}

TEST(ApiJson, AStreamEventIsWholeLines) {
    const std::string text =
        stream_event({12, noon, "tick", "w", "{\"seq\":1,\"reason\":\"a\\nb\"}"}, stamp);
    EXPECT_THAT(text, testing::StartsWith("id: 12\nevent: tick\ndata: {"));
    EXPECT_THAT(text, testing::EndsWith("}\n\n"));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
    EXPECT_THAT(stream_event({13, noon, "tick", "w", "not JSON"}, stamp),
                HasSubstr("\"watch\":\"w\""));
}

TEST(ApiJson, CursorsComeBack) {
    EventRow event;
    event.id = "abc";
    event.at = noon;
    const json page = json::parse(events_json({event}, 1, false, stamp));
    const auto cursor = read_cursor(page["next"].get<std::string>());
    ASSERT_TRUE(cursor);
    EXPECT_EQ(cursor->before, noon);
    EXPECT_EQ(cursor->id, "abc");
    EXPECT_TRUE(json::parse(events_json({event}, 2, false, stamp))["next"].is_null());
    for (const char* none : {"", "x", "12", ".abc"})
        EXPECT_FALSE(read_cursor(none)) << none;
}

TEST(ApiJson, AddressesAreVeiledFromWhoHasNotShownTheToken) {
    DeliveryRow row;
    row.recipient = "me@example.com";
    EXPECT_EQ(json::parse(deliveries_json({row}, 9, true, stamp))["items"][0]["to"],
              "m***@example.com");
    EXPECT_EQ(json::parse(deliveries_json({row}, 9, false, stamp))["items"][0]["to"],
              "me@example.com");
    row.life.reply = "550 <me@example.com>: nobody; me@example.com";
    EXPECT_EQ(json::parse(deliveries_json({row}, 9, true, stamp))["items"][0]["reply"],
              "550 <m***@example.com>: nobody; m***@example.com");
    EXPECT_EQ(json::parse(deliveries_json({row}, 9, false, stamp))["items"][0]["reply"],
              row.life.reply);
    row.recipient = "";  // a program has none
    EXPECT_EQ(json::parse(deliveries_json({row}, 9, true, stamp))["items"][0]["to"], "");
    EXPECT_EQ(json::parse(deliveries_json({row}, 9, true, stamp))["items"][0]["reply"],
              row.life.reply);
}

TEST(Metrics, CountTheJournal) {
    Tally tally;
    tally.add({1, noon, "tick", "w", R"({"outcome":"ok","http":200,"ms":143})"});
    tally.add({2, noon, "tick", "w", R"({"outcome":"down","http":0,"ms":10000})"});
    tally.add({3, noon, "event", "w", R"({"what":"opened"})"});
    tally.add({4, noon, "delivery", "w", R"({"state":"sent","took_ms":400})"});
    tally.add({5, noon, "delivery", "w", R"({"state":"uncertain"})"});
    tally.add({6, noon, "tick", "w", "broken"});
    tally.add({7, noon, "prevented", "", R"({"reason":"second_start","pid":1})"});
    tally.add({8, noon, "prevented", "", R"({"reason":"of another version","pid":1})"});
    Snapshot snapshot;
    snapshot.job = "a \"b\"\\\n";
    snapshot.polling = true;
    snapshot.outbox.emplace();
    snapshot.asked = {{{"cinema:80", 0}, 1}, {{"cinema:80", 200}, 5}};
    snapshot.lag = 1500ms;
    snapshot.prevented.add(Twice::start);
    snapshot.prevented.add(Twice::tick);
    MetricsView view;
    view.snapshot = &snapshot;
    view.tally = &tally;
    view.watches.push_back({"w", "name", 30s, {}, false, {}, std::nullopt});
    const std::string text = metrics_text(view);
    for (const char* line :
         {"oneloop_ticks_total{watch=\"w\",outcome=\"ok\"} 1\n",
          "oneloop_ticks_total{watch=\"w\",outcome=\"down\"} 1\n",
          "oneloop_http_requests_total{host=\"cinema:80\",code=\"0\"} 1\n",
          "oneloop_http_requests_total{host=\"cinema:80\",code=\"200\"} 5\n",
          "oneloop_tick_lag_seconds 1.5\n", "oneloop_lease_remaining_seconds +Inf\n",
          "oneloop_duplicates_prevented_total{reason=\"second_start\"} 2\n",
          "oneloop_duplicates_prevented_total{reason=\"tick_claimed\"} 1\n",
          "oneloop_duplicates_prevented_total{reason=\"repeated_event\"} 0\n",
          "oneloop_events_total{watch=\"w\",kind=\"opened\"} 1\n",
          "oneloop_tick_seconds_bucket{le=\"0.5\"} 1\n",
          "oneloop_tick_seconds_bucket{le=\"+Inf\"} 2\n", "oneloop_tick_seconds_count 2\n",
          "oneloop_delivery_latency_seconds_sum 0.4\n", "oneloop_uncertain_total 1\n",
          "oneloop_source_state{watch=\"w\",state=\"starting\"} 1\n",
          "oneloop_deliveries{state=\"queued\"} 0\n", "job=\"a \\\"b\\\"\\\\ \"} 1\n"})
        EXPECT_THAT(text, HasSubstr(line));
    EXPECT_THAT(text, testing::Not(HasSubstr("of another version")));
    view.lease = 1250ms;
    EXPECT_THAT(metrics_text(view), HasSubstr("oneloop_lease_remaining_seconds 1.25\n"));
    snapshot.polling = false;
    EXPECT_THAT(metrics_text(view), HasSubstr("oneloop_lease_remaining_seconds 0\n"));
}

TEST(ApiJson, TheLeaseAndWhoWaits) {
    Snapshot snapshot;
    LeaderView view;
    view.snapshot = &snapshot;
    const auto leader = [&view] { return json::parse(leader_json(view, stamp)); };
    EXPECT_EQ(leader()["lease_left_ms"], 0);  // it is not the one
    snapshot.polling = true;
    EXPECT_TRUE(leader()["lease_left_ms"].is_null());
    view.lease = 1250ms;
    EXPECT_EQ(leader()["lease_left_ms"], 1250);
    EXPECT_EQ(leader()["standbys"], json::array());
    view.standbys.push_back({4121, noon, "", 0, "worker --config \xFF.toml"});
    EXPECT_EQ(leader()["standbys"][0]["pid"], 4121);
    EXPECT_TRUE(leader()["standbys"][0]["instance"].is_null());
    view.prevented.add(Twice::loop);
    view.prevented.add(Twice::event, 2);
    EXPECT_EQ(leader()["duplicates_prevented"], 3);
}

TEST(Prevented, EveryReasonHasItsName) {
    for (std::size_t i = 0; i < twice_names.size(); ++i) {
        const auto reason = static_cast<Twice>(i);
        EXPECT_EQ(twice_named(name_of(reason)), reason);
    }
    EXPECT_EQ(twice_named(""), std::nullopt);
}

}  // namespace
}  // namespace oneloop::worker
