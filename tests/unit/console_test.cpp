// The lines a person watches.
#include "worker/console.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
constexpr Date day{std::chrono::year{2025} / std::chrono::December / 4};

Item show(const char* id, std::optional<int> seats) {
    Item item;
    item.id = id;
    item.title = "반지의 제왕";
    item.date = day;
    item.start = "19:00";
    item.end = "22:59";
    item.screen = "컴포트 1관";
    item.seats = seats;
    item.seats_total = 220;
    item.link = "https://example.test/book?id=" + item.id;
    return item;
}

TickReport report() {
    TickReport result;
    result.watch = "daegu";
    result.name = "대구신세계";
    result.tick = 1842;
    result.time = at(day, 20h + 47min) + 45s;
    result.next = at(day, 20h + 48min) + 15s;
    result.time_iso = "2025-12-04T20:47:45+09:00";
    result.next_iso = "2025-12-04T20:48:15+09:00";
    result.http = 200;
    result.took = 143ms;
    result.rows = 37;
    result.dates = {{day, Source::ok, "", {show("1", 120), show("2", 0)}}};
    return result;
}

const Style korean{LogFormat::pretty, Language::ko, "megabox"};
const Style english{LogFormat::pretty, Language::en, "megabox"};
const Style logfmt{LogFormat::logfmt, Language::ko, "megabox"};

auto lines(const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
}

TEST(Console, OneLinePerTick) {
    EXPECT_EQ(format_tick(report(), korean),
              "[20:47:45] #1842 daegu  200 143ms  37행 중 2건  변화 없음  다음 20:48:15\n");
    EXPECT_EQ(format_tick(report(), english),
              "[20:47:45] #1842 daegu  200 143ms  37 rows, 2 matching  no change  next 20:48:15\n");
}

TEST(Console, NotOpenYet) {
    TickReport quiet = report();
    quiet.rows = 0;
    quiet.dates = {{day, Source::empty, "", {}}};
    EXPECT_THAT(format_tick(quiet, korean), HasSubstr("예매 전"));
}

TEST(Console, AnOpeningIsABlockWithSeatsAndLink) {
    TickReport news = report();
    news.events = {{EventKind::opened, show("1", 120), 1}};
    const std::string text = format_tick(news, korean);
    EXPECT_THAT(text, HasSubstr("NEW 1"));
    EXPECT_THAT(text, HasSubstr("────"));
    EXPECT_THAT(text, HasSubstr("12/04(목)  반지의 제왕 · 2회차"));
    EXPECT_THAT(text, HasSubstr("NEW      19:00~22:59  컴포트 1관  좌석 120/220"));
    EXPECT_THAT(text, HasSubstr("매진/220"));
    EXPECT_THAT(text, HasSubstr("https://example.test/book?id=1"));
}

TEST(Console, SeatsThatComeBackAreABlockToo) {
    TickReport news = report();
    news.events = {{EventKind::available, show("1", 2), 3}};
    EXPECT_THAT(format_tick(news, korean), HasSubstr("재오픈"));
}

TEST(Console, WhatNobodyCanBookIsNoBlock) {
    for (const Event& event :
         {Event{EventKind::sold_out, show("1", 0), 2}, Event{EventKind::gone, show("1", 5), 2},
          Event{EventKind::opened, show("1", 0), 1}}) {
        TickReport tick = report();
        tick.events = {event};
        EXPECT_EQ(lines(format_tick(tick, korean)), 1) << name_of(event.kind);
    }
}

TEST(Console, FailuresSayWhichAndWhy) {
    TickReport mixed = report();
    mixed.dates.push_back({plus_days(day, 1), Source::blocked, "HTTP 403", {}});
    mixed.failures = 3;
    const std::string text = format_tick(mixed, korean);
    EXPECT_THAT(text, HasSubstr("12/05(금) 차단: HTTP 403"));
    EXPECT_THAT(text, HasSubstr("연속 실패 3"));
    EXPECT_THAT(text, HasSubstr("37행 중 2건"));  // the other date was read
    EXPECT_EQ(lines(text), 1);
}

TEST(Console, TheSameTroubleOnAllDatesIsSaidOnce) {
    TickReport down = report();
    down.rows = 0;
    down.http = 0;
    down.dates = {{day, Source::down, "refused", {}},
                  {plus_days(day, 1), Source::down, "refused", {}}};
    EXPECT_EQ(format_tick(down, english),
              "[20:47:45] #1842 daegu  0 143ms  down: refused  next 20:48:15\n");
}

TEST(Console, HostileTextStaysOnItsLine) {
    TickReport tick = report();
    tick.dates = {{day, Source::shape, "x\n[00:00:00] #1 \x1b[2J", {}}};
    const std::string text = format_tick(tick, korean);
    EXPECT_EQ(lines(text), 1);
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    TickReport block = report();
    Item item = show("1", 120);
    item.end = "\x1b]0;x\a\x1b[2J" + std::string(5000, 'x');
    block.dates[0].matching = {item};
    block.events = {{EventKind::opened, item, 1}};
    const std::string told = format_tick(block, korean);
    EXPECT_THAT(told, Not(HasSubstr("\x1b")));
    EXPECT_LT(told.size(), 1000U);
}

TEST(Console, Logfmt) {
    TickReport news = report();
    news.events = {{EventKind::opened, show("1", 120), 1}};
    EXPECT_EQ(
        format_tick(news, logfmt),
        "ts=2025-12-04T20:47:45+09:00 lvl=info ev=tick.done job=megabox watch=daegu tick=1842 "
        "http=200 ms=143 rows=37 match=2 new=1 source=ok next=2025-12-04T20:48:15+09:00\n"
        "ts=2025-12-04T20:47:45+09:00 lvl=info ev=event.opened watch=daegu item=1 "
        "title=\"반지의 제왕\" date=2025-12-04 start=19:00 end=22:59 screen=\"컴포트 1관\" "
        "seats=120 total=220 link=\"https://example.test/book?id=1\" tick=1842\n");
}

TEST(Console, LogfmtValuesAreQuotedWhenTheyMustBe) {
    EXPECT_EQ(logfmt_value("plain"), "plain");
    EXPECT_EQ(logfmt_value(""), "\"\"");
    EXPECT_EQ(logfmt_value("a b"), "\"a b\"");
    EXPECT_EQ(logfmt_value("a=\"b\\"), "\"a=\\\"b\\\\\"");
    EXPECT_EQ(logfmt_value("a\nev=fake"), "\"a ev=fake\"");
}

TEST(Console, TheWorstDateDecides) {
    const auto of = [](std::vector<Source> sources) {
        std::vector<DateReport> dates;
        for (const Source source : sources)
            dates.push_back({day, source, "", {}});
        return overall(dates);
    };
    EXPECT_EQ(of({}), Source::empty);
    EXPECT_EQ(of({Source::empty, Source::ok}), Source::ok);
    EXPECT_EQ(of({Source::empty, Source::empty}), Source::empty);
    EXPECT_EQ(of({Source::ok, Source::blocked}), Source::blocked);
    EXPECT_EQ(of({Source::shape, Source::down, Source::blocked}), Source::down);
}

}  // namespace
}  // namespace oneloop::worker
