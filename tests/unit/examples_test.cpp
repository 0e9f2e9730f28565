// The configurations of docs/examples, as they lie there: they are complete, they ask what the
// cinemas' pages ask, and replies in the cinemas' own shapes (tests/fixtures) are read by them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/read_text.h"
#include "worker/config.h"
#include "worker/feed.h"

namespace oneloop::worker {
namespace {

constexpr Date date{std::chrono::year{2025} / std::chrono::December / 3};

Config example(const std::string& name) {
    const ConfigReading reading = read_config(ONELOOP_SOURCE_DIR "/docs/examples/" + name);
    for (const Problem& problem : reading.problems)
        ADD_FAILURE() << format_problem(name, problem);
    return reading.config;
}

const SourceSpec& source(const Config& config) {
    return config.watches.at(0).sources.at(0);
}

HttpReply fixture(const std::string& name) {
    HttpReply reply;
    reply.code = 200;
    reply.body = read_text(ONELOOP_SOURCE_DIR "/tests/fixtures/" + name);
    EXPECT_NE(reply.body, "") << name;
    return reply;
}

std::vector<Item> items(const Config& config, const HttpReply& reply, Date asked = date) {
    const Answer answer = read_reply(reply, source(config), asked, date);
    if (const auto* changed = std::get_if<ChangedShape>(&answer)) ADD_FAILURE() << changed->reason;
    const auto* rows = std::get_if<Rows>(&answer);
    return rows ? rows->items : std::vector<Item>{};
}

// `reply` with one text replaced by another.
HttpReply with(HttpReply reply, const std::string& from, const std::string& to) {
    const auto found = reply.body.find(from);
    EXPECT_NE(found, std::string::npos) << from;
    reply.body.replace(found, from.size(), to);
    return reply;
}

bool is_shape(const Config& config, const HttpReply& reply, Date asked = date) {
    return std::holds_alternative<ChangedShape>(read_reply(reply, source(config), asked, date));
}

TEST(Examples, AllOfThemAreGoodAndTested) {
    std::vector<std::string> names;
    for (const auto& entry :
         std::filesystem::directory_iterator(ONELOOP_SOURCE_DIR "/docs/examples"))
        names.push_back(entry.path().filename());
    EXPECT_THAT(names, testing::UnorderedElementsAre("cgv.toml", "lotte.toml"));
}

TEST(Examples, CgvIsAskedAsItsPageAsks) {
    const Config config = example("cgv.toml");
    const HttpRequest request = make_request(source(config), date, date);
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.url,
              "https://cgv.co.kr/api/v1/booking/searchSchByMov?coCd=A420&siteNo=0013"
              "&scnYmd=20251203&movNo=89833&rtctlScopCd=01");
    EXPECT_EQ(config.watches[0].host.name, "cgv.co.kr");
    EXPECT_EQ(config.watches[0].host.per_second, 0.5);
}

// Two halls have a first show at 19:10; numbers are texts; the night is longer than the day.
TEST(Examples, CgvIsRead) {
    const Config config = example("cgv.toml");
    const auto shows = items(config, fixture("cgv.json"));
    ASSERT_EQ(shows.size(), 3U);
    EXPECT_EQ(shows[0].id, "0013-20251203-018-1");
    EXPECT_EQ(shows[1].id, "0013-20251203-007-1");
    EXPECT_EQ(shows[0].title, "별의 아이(IMAX LASER 2D)");
    EXPECT_EQ(shows[1].title, "별의 아이");
    EXPECT_EQ(shows[1].screen, "7관");
    EXPECT_EQ(shows[0].seats, 211);
    EXPECT_EQ(shows[0].seats_total, 624);
    EXPECT_TRUE(sold_out(shows[1]));
    EXPECT_EQ(shows[2].start_clock, std::chrono::minutes(24 * 60 + 40));
    EXPECT_FALSE(about_to_start(shows[2], at(plus_days(date, 1), std::chrono::minutes(5))));
    EXPECT_TRUE(about_to_start(shows[2], at(plus_days(date, 1), std::chrono::minutes(10))));
    EXPECT_TRUE(matches(shows[0], config.watches[0].where));
    EXPECT_FALSE(matches(shows[1], config.watches[0].where));
}

TEST(Examples, CgvThatIsNoAnswerIsNone) {
    const Config config = example("cgv.toml");
    const HttpReply good = fixture("cgv.json");
    EXPECT_TRUE(is_shape(config, with(good, "\"statusCode\": 0", "\"statusCode\": 9999")));
    EXPECT_TRUE(is_shape(config, with(good, "\"data\"", "\"list\"")));
    EXPECT_TRUE(is_shape(config, with(good, "\"frSeatCnt\": \"211\"", "\"frSeatCnt\": \"many\"")));
    EXPECT_TRUE(is_shape(config, with(good, "\"scnSseq\": \"1\"", "\"scnSseq\": null")));
    EXPECT_TRUE(is_shape(config, good, plus_days(date, 1)));  // about another date
    HttpReply refused = good;
    refused.code = 403;
    EXPECT_TRUE(std::holds_alternative<Blocked>(read_reply(refused, source(config), date, date)));
}

TEST(Examples, LotteIsAskedAsItsPageAsks) {
    const Config config = example("lotte.toml");
    const HttpRequest request = make_request(source(config), date, date);
    EXPECT_EQ(request.method, "POST");
    ASSERT_EQ(request.form.size(), 1U);
    EXPECT_EQ(request.form[0].first, "ParamList");
    EXPECT_EQ(request.form[0].second,
              R"({"MethodName":"GetPlaySequence","channelType":"HO","cinemaID":"1|1|1016",)"
              R"("osType":"W","osVersion":"oneloop","playDate":"2025-12-03",)"
              R"("representationMovieCode":""})");
}

TEST(Examples, LotteIsRead) {
    const Config config = example("lotte.toml");
    const auto shows = items(config, fixture("lotte.json"));
    ASSERT_EQ(shows.size(), 2U);
    EXPECT_EQ(shows[0].id, "2025-12-03-1016-101621-4");
    EXPECT_EQ(shows[1].id, "2025-12-03-1016-101602-4");
    EXPECT_EQ(shows[0].seats, 515);  // can be booked, and not: are booked
    EXPECT_EQ(shows[0].seats_total, 628);
    EXPECT_FALSE(sold_out(shows[0]));
    EXPECT_TRUE(sold_out(shows[1]));  // no bookings are taken
    EXPECT_TRUE(matches(shows[1], config.watches[0].where));
    EXPECT_EQ(shows[1].start, "24:10");
}

TEST(Examples, LotteThatIsNoAnswerIsNone) {
    const Config config = example("lotte.toml");
    const HttpReply good = fixture("lotte.json");
    EXPECT_TRUE(is_shape(config, with(good, "\"IsOK\": \"true\"", "\"IsOK\": \"false\"")));
    EXPECT_TRUE(is_shape(config, with(good, "\"PlaySeqs\"", "\"Seqs\"")));
    EXPECT_TRUE(is_shape(config, with(good, "\"CinemaID\": 1016", "\"CinemaID\": 1017")));
    EXPECT_TRUE(is_shape(config, good, plus_days(date, 1)));
    // A boolean instead of the text is the same answer.
    EXPECT_EQ(items(config, with(good, "\"IsOK\": \"true\"", "\"IsOK\": true")).size(), 2U);
}

}  // namespace
}  // namespace oneloop::worker
