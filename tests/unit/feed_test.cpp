// What a reply says: showtimes, nothing yet, go away, or another language.
#include "tests/support/feed_fixture.h"

namespace oneloop::worker::test_feed {
namespace {

TEST(Feed, ReadsARow) {
    const Item item = only_item(read(megabox(list(row))));
    EXPECT_EQ(item.id, "2512037011012");
    EXPECT_EQ(item.date, date);
    EXPECT_EQ(item.start, "24:10");
    EXPECT_EQ(item.start_clock, std::chrono::minutes(24 * 60 + 10));
    EXPECT_EQ(item.screen, "돌비 시네마");
    EXPECT_EQ(item.hall_kind, "DBC");
    EXPECT_EQ(item.seats, 12);
    EXPECT_EQ(item.seats_total, 216);
    EXPECT_TRUE(item.bookable);
    EXPECT_EQ(item.link,
              "https://www.megabox.co.kr/bookingByPlaySchdlNo?playSchdlNo=2512037011012");
    EXPECT_NE(item.raw.find(R"("date":"20251203")"), std::string::npos);
}

// Defect 7 of the original: titles were not unescaped.
TEST(Feed, Defect7TitlesAreUnescaped) {
    const Item item = only_item(read(megabox(list(row))));
    EXPECT_EQ(item.title, "별의 아이 (재개봉)");
    EXPECT_EQ(item.branch, "대구신세계(동대구)");
    EXPECT_EQ(item.format, "2D(자막)");
}

// Defect 4 of the original: a reply without the list looked like "not open yet".
TEST(Feed, Defect4AMissingListIsNoEmptyList) {
    EXPECT_EQ(shape(read(R"({"statCd":0})")), "/megaMap is missing");
    EXPECT_EQ(shape(read(R"({"statCd":0,"megaMap":{}})")), "/megaMap/movieFormList is missing");
    EXPECT_EQ(shape(read(megabox("{}"))), "/megaMap/movieFormList is not a list");
    EXPECT_EQ(shape(read(megabox("\"\""))), "/megaMap/movieFormList is not a list");
    EXPECT_EQ(shape(read(R"({"statCd":0,"data":{"schedules":[]}})")), "/megaMap is missing");
}

TEST(Feed, AnEmptyListIsEmpty) {
    EXPECT_TRUE(std::holds_alternative<Empty>(read(megabox("[]"))));
}

TEST(Feed, ANullListNeedsTheDateListAsProof) {
    EXPECT_TRUE(std::holds_alternative<Empty>(read(megabox("null", dates))));
    const std::string open = R"([{"playDe":"20251203","formAt":"Y"}])";
    EXPECT_NE(shape(read(megabox("null", open))).find("says the date is open"), std::string::npos);
    for (const char* no_proof : {"[]", "null", "{}", "5", "[5]", R"(["20251203"])"}) {
        EXPECT_TRUE(std::holds_alternative<ChangedShape>(read(megabox("null", no_proof))))
            << no_proof;
    }
    // Beyond the end of the list: not open yet.
    EXPECT_TRUE(std::holds_alternative<Empty>(
        read(megabox("null", R"([{"playDe":"20251201","formAt":"Y"}])"))));
    EXPECT_TRUE(std::holds_alternative<ChangedShape>(read(
        R"({"statCd":-1,"megaMap":{"movieFormList":null,"movieFormDeList":[{"playDe":"20251203","formAt":"N"}]}})")));
}

TEST(Feed, AByteOrderMarkIsNoProblem) {
    only_item(read("\xEF\xBB\xBF" + megabox(list(row))));
}

TEST(Feed, NumbersMayBeTexts) {
    const Item item =
        only_item(read(megabox(list(with(R"("restSeatCnt":12)", R"("restSeatCnt":"12")")))));
    EXPECT_EQ(item.seats, 12);
    EXPECT_TRUE(std::holds_alternative<Rows>(
        read(R"({"statCd":"0","megaMap":{"movieFormList":[)" + std::string(row) + "]}}")));
}

TEST(Feed, SeatsThatAreNoNumberAreUnknown) {
    for (const char* seats : {"null", "\"\"", "\"many\"", "-1", "1.5", "99999999999", "[1]"}) {
        const Item item = only_item(read(
            megabox(list(with(R"("restSeatCnt":12)", std::string(R"("restSeatCnt":)") + seats)))));
        EXPECT_EQ(item.seats, std::nullopt) << seats;
    }
    only_item(read(megabox(list(with(R"("restSeatCnt":12,)", "")))));
}

TEST(Feed, BookableFollowsTheMarkAndDefaultsToYes) {
    const auto bookable = [](const char* value) {
        return only_item(read(megabox(list(with(R"("bokdAbleAt":"Y")", value))))).bookable;
    };
    EXPECT_FALSE(bookable(R"("bokdAbleAt":"N")"));
    EXPECT_FALSE(bookable(R"("bokdAbleAt":"X")"));
    EXPECT_TRUE(bookable(R"("other":1)"));
}

TEST(Feed, ARefusalIsBlocked) {
    for (const int code : {401, 403, 429, 500, 502, 503, 599, 301, 302, 307}) {
        EXPECT_TRUE(std::holds_alternative<Blocked>(read(reply(code, megabox("[]"))))) << code;
    }
    for (const char* body :
         {"<!DOCTYPE html><html></html>", "  \n<html>", "\xEF\xBB\xBF<html>",
          "Workload is so high. Try later.", R"({"msg":"Workload is so high"})"}) {
        EXPECT_TRUE(std::holds_alternative<Blocked>(read(std::string(body)))) << body;
    }
}

TEST(Feed, OverloadAndRetryAfterArePassedOn) {
    const auto overload = std::get<Blocked>(read(std::string("Workload is so high")));
    EXPECT_TRUE(overload.overload);
    HttpReply limited = reply(429, "");
    limited.retry_after = std::chrono::seconds(7);
    const auto blocked = std::get<Blocked>(read(limited));
    EXPECT_TRUE(blocked.overload);
    EXPECT_EQ(blocked.retry_after, std::chrono::seconds(7));
    EXPECT_FALSE(std::get<Blocked>(read(reply(403, ""))).overload);
}

TEST(Feed, WhatIsNoJsonIsAChangedShape) {
    for (const char* body : {"", " ", "null", "true", "5", "\"x\"", "[]", "{", "{}", "ok",
                             "\xEF\xBB\xBF", "{\"statCd\":0}", "{\"statCd\":\"\xFF\"}"}) {
        EXPECT_TRUE(std::holds_alternative<ChangedShape>(read(std::string(body)))) << body;
    }
    EXPECT_EQ(shape(read(reply(404, ""))), "HTTP 404");
    EXPECT_EQ(shape(read(reply(204, ""))), "an empty reply");
}

TEST(Feed, DeepNestingIsRefusedBeforeItIsPrinted) {
    std::string deep = with(R"("restSeatCnt":12)", R"("restSeatCnt":)" + std::string(200'000, '[') +
                                                       std::string(200'000, ']'));
    EXPECT_EQ(shape(read(megabox(list(deep)))), "the reply is not JSON");
}

TEST(Feed, AReplyToAnotherQuestionIsNoAnswer) {
    EXPECT_EQ(shape(read(megabox(list(with(R"("brchNo":"7011")", R"("brchNo":"1351")"))))),
              "a reply to another question: brchNo is 1351, asked was 7011");
    EXPECT_NE(shape(read(megabox(list(with(R"("playDe":"20251203")", R"("playDe":"20251204")")))))
                  .find("playDe"),
              std::string::npos);
    std::string other = megabox("[]");
    other.replace(other.find("20251203"), 8, "20251204");
    EXPECT_NE(shape(read(other)).find("/megaMap/playDe"), std::string::npos);
}

TEST(Feed, BadRowsAreAChangedShape) {
    EXPECT_TRUE(std::holds_alternative<ChangedShape>(read(megabox("[5]"))));
    EXPECT_EQ(shape(read(megabox(list(with(R"("playSchdlNo":"2512037011012",)", ""))))),
              "a row has no {playSchdlNo}");
    for (const char* clock : {"", "30:00", "soon"}) {
        EXPECT_TRUE(
            std::holds_alternative<ChangedShape>(read(megabox(list(with("24:10", clock))))));
    }
}

TEST(Feed, TheSameRowTwiceIsOneShow) {
    only_item(read(megabox(list(std::string(row) + "," + row))));
}

TEST(Feed, ASourceWithAnIdOfSeveralFieldsAndLooseTypes) {
    SourceSpec spec;
    spec.ok = OkTest{"/IsOK", "true"};
    spec.items = "/PlaySeqs/Items";
    spec.id = "{PlayDt}-{CinemaID}-{ScreenID}-{PlaySequence}";
    spec.fields["title"].from = {"MovieNameKR"};
    spec.fields["date"].from = {"PlayDt"};
    spec.fields["start"].from = {"StartTime"};
    spec.fields["seats"].from = {"BookingSeatCount"};
    const std::string body =
        R"({"IsOK":"true","PlaySeqs":{"Items":[{"PlayDt":"2025-12-03","CinemaID":1013,"ScreenID":"2",
            "PlaySequence":4,"MovieNameKR":"A","StartTime":"2440","BookingSeatCount":"33"}]}})";
    const Item item = only_item(read_reply(reply(200, body), spec, date, today));
    EXPECT_EQ(item.id, "2025-12-03-1013-2-4");
    EXPECT_EQ(item.seats, 33);
    EXPECT_TRUE(item.bookable);
}

// Whatever a reply is cut to or made of, it is one of the four answers, and never showtimes that
// are not there.
TEST(Feed, EveryPrefixOfAReplyIsAnAnswer) {
    const std::string whole = megabox(list(row), dates);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_TRUE(std::holds_alternative<ChangedShape>(read(whole.substr(0, size)))) << size;
    }
}

TEST(Feed, RetryAfterInSeconds) {
    EXPECT_EQ(parse_retry_after(" 30\r\n"), std::chrono::seconds(30));
    EXPECT_EQ(parse_retry_after("0"), std::chrono::seconds(0));
    EXPECT_EQ(parse_retry_after("999999"), std::chrono::seconds(3600));
    for (const char* bad : {"", " ", "-1", "soon", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT"}) {
        EXPECT_EQ(parse_retry_after(bad), std::nullopt) << bad;
    }
}

}  // namespace
}  // namespace oneloop::worker::test_feed
