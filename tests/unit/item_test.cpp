// Showtimes, and which of them a watch is about.
#include "worker/item.h"

#include <gtest/gtest.h>

#include "worker/match.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
constexpr Date date{std::chrono::year{2025} / std::chrono::December / 3};

Item some_item() {
    Item item;
    item.id = "2512037011012";
    item.title = "반지의 제왕: 두 개의 탑";
    item.date = date;
    item.start = "19:00";
    item.end = "22:59";
    item.start_clock = 19h;
    item.screen = "컴포트 1관";
    item.hall_kind = "CFT";
    item.format = "2D(자막)";
    item.seats = 120;
    item.seats_total = 220;
    item.branch = "대구신세계(동대구)";
    item.link = "https://example.test/?a=1&b=\"x\"";
    return item;
}

Condition condition(const char* field, Condition::Kind kind, std::vector<std::string> values) {
    Condition result;
    result.field = field;
    result.kind = kind;
    result.values = std::move(values);
    return result;
}

TEST(Item, TheLedgerReadsWhatItWrote) {
    for (const auto seats : {std::optional<int>{}, std::optional{0}, std::optional{7}}) {
        for (const bool bookable : {true, false}) {
            Item item = some_item();
            item.seats = seats;
            item.bookable = bookable;
            EXPECT_EQ(from_ledger(item.id, to_ledger(item)), item);
        }
    }
}

TEST(Item, TheLedgerRefusesWhatIsNotOurs) {
    for (const char* text : {"", "x", "[]", "{}", R"({"date":5})", R"({"date":"20259999"})"}) {
        EXPECT_FALSE(from_ledger("1", text)) << text;
    }
}

// Defect 6 of the original: seats were never looked at.
TEST(Item, ASoldOutShowIsNotOpen) {
    Item item = some_item();
    EXPECT_FALSE(sold_out(item));
    item.seats = 0;
    EXPECT_TRUE(sold_out(item));
    item.seats.reset();  // missing is not zero
    EXPECT_FALSE(sold_out(item));
    item.bookable = false;
    EXPECT_TRUE(sold_out(item));
}

TEST(Item, AboutToStartFrom30MinutesBefore) {
    const Item item = some_item();
    EXPECT_FALSE(about_to_start(item, at(date, 18h + 29min)));
    EXPECT_TRUE(about_to_start(item, at(date, 18h + 30min)));
    EXPECT_TRUE(about_to_start(item, at(date, 20h)));
}

TEST(Match, ContainsIgnoresSpacesHyphensAndCase) {
    const Item item = some_item();
    for (const char* text : {"반지의 제왕", "반지의제왕", "두개의탑", "반지-의"}) {
        EXPECT_TRUE(matches(item, {condition("title", Condition::Kind::contains, {text})})) << text;
    }
    EXPECT_FALSE(matches(item, {condition("title", Condition::Kind::contains, {"주토피아"})}));
}

TEST(Match, AllConditionsMustHold) {
    const Item item = some_item();
    const auto hall = condition("hall_kind", Condition::Kind::in, {"DBC", "CFT"});
    const auto other = condition("hall_kind", Condition::Kind::equals, {"DBC"});
    EXPECT_TRUE(matches(item, {}));
    EXPECT_TRUE(matches(item, {hall}));
    EXPECT_FALSE(matches(item, {hall, other}));
}

TEST(Match, BetweenComparesClocksBeyondMidnight) {
    Item item = some_item();
    const auto evening = condition("start", Condition::Kind::between, {"18:00", "26:00"});
    for (const auto& [start, inside] : {std::pair{"17:59", false},
                                        {"18:00", true},
                                        {"23:59", true},
                                        {"25:10", true},
                                        {"26:00", true},
                                        {"26:01", false},
                                        {"09:00", false}}) {
        item.start = start;
        EXPECT_EQ(matches(item, {evening}), inside) << start;
    }
    const auto days = condition("date", Condition::Kind::between, {"2025-12-01", "2025-12-03"});
    EXPECT_TRUE(matches(item, {days}));
    item.date = plus_days(date, 1);
    EXPECT_FALSE(matches(item, {days}));
}

TEST(Match, UnknownSeatsDontHideAShow) {
    Item item = some_item();
    Condition two;
    two.field = "seats";
    two.kind = Condition::Kind::at_least;
    two.least = 2;
    for (int seats = 0; seats < 5; ++seats) {
        item.seats = seats;
        EXPECT_EQ(matches(item, {two}), seats >= 2);
    }
    item.seats.reset();
    EXPECT_TRUE(matches(item, {two}));
}

}  // namespace
}  // namespace oneloop::worker
