// Entities, comparable titles, templates, and dates as cinemas print them.
#include "worker/text.h"

#include <gtest/gtest.h>

#include "worker/calendar.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using std::chrono::December;

constexpr Date date{std::chrono::year{2025} / December / 3};

TEST(Text, EntitiesAreDecoded) {
    EXPECT_EQ(html_unescape("별의 아이 &#40;재개봉&#41;"), "별의 아이 (재개봉)");
    EXPECT_EQ(html_unescape("&#x28;&#X29;"), "()");
    EXPECT_EQ(html_unescape("A &amp; B &lt;3 &quot;x&quot; it&apos;s"), "A & B <3 \"x\" it's");
    EXPECT_EQ(html_unescape("&#51452;&#xD1A0;"), "주토");
    EXPECT_EQ(html_unescape("a&nbsp;b&#160;c"), "a b c");
}

TEST(Text, WhatIsNoEntityStays) {
    for (const char* text : {"", "&", "&&", "AT&T", "&;", "&#;", "&#x;", "&#0;", "&#xD800;",
                             "&#1114112;", "&unknown;", "&#12a;", "a & b; c", "&#99999999999;"}) {
        EXPECT_EQ(html_unescape(text), text);
    }
}

TEST(Text, DecodingHappensOnce) {
    EXPECT_EQ(html_unescape("&amp;#40;"), "&#40;");
}

TEST(Text, EveryCodePointBecomesValidUtf8) {
    const auto continuation = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
    for (std::uint32_t code = 1; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 257) {
        if (code >= 0xD800 && code <= 0xDFFF) continue;
        const std::string text = html_unescape("&#" + std::to_string(code) + ";");
        ASSERT_FALSE(text.empty());
        const auto first = static_cast<unsigned char>(text[0]);
        const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        ASSERT_EQ(text.size(), length) << code;
        for (std::size_t i = 1; i < length; ++i)
            ASSERT_TRUE(continuation(text[i])) << code;
    }
}

TEST(Text, TitlesCompareWithoutSpacesHyphensAndCase) {
    EXPECT_EQ(simplify("The Lord-of the Rings"), "thelordoftherings");
    EXPECT_EQ(simplify("별의 아이"), simplify("별의아이"));
    EXPECT_EQ(simplify("스파이더\xE2\x80\x93맨"), "스파이더맨");
    EXPECT_EQ(simplify("가\xE3\x80\x80나\xC2\xA0다"), "가나다");
    EXPECT_NE(simplify("별의 아이"), simplify("별의 어른"));
}

TEST(Text, OneLineNeverCutsACharacter) {
    const std::string text = "가나다라";
    for (std::size_t limit = 0; limit <= text.size(); ++limit) {
        const std::string cut = one_line(text, limit);
        const std::string kept = limit < text.size() ? cut.substr(0, cut.size() - 3) : cut;
        EXPECT_EQ(kept, text.substr(0, limit / 3 * 3));
    }
    EXPECT_EQ(one_line("a\nb\tc\x1b[31m"), "a b c [31m");
    EXPECT_EQ(one_line("a\xC2\x9B"
                       "2Jb\xC2\xA0"
                       "c별"),
              "a  2Jb\xC2\xA0"
              "c별")
        << "and no C1 control";
}

TEST(Text, DatesAreExpandedAndOtherBracesStay) {
    const Date today = plus_days(date, -1);
    EXPECT_EQ(expand_dates("d={date:%Y%m%d}&t={today:%Y-%m-%d}", date, today),
              "d=20251203&t=2025-12-02");
    EXPECT_EQ(expand_dates(R"({"a":{"playDe":"{date:%Y%m%d}"}})", date, today),
              R"({"a":{"playDe":"20251203"}})");
    for (const char* same : {"", "{", "}", "{}", "{{", "{date}", "{x:%Y}", "a{b"}) {
        EXPECT_EQ(expand_dates(same, date, today), same);
    }
}

TEST(Text, TemplatesAreExpanded) {
    const auto twice = [](std::string_view name) { return std::string(name) + std::string(name); };
    EXPECT_EQ(expand("<{a}|{b}>", twice), "<aa|bb>");
    EXPECT_EQ(expand("{open", twice), "{open");
}

TEST(Calendar, OnlyRealDatesAreDates) {
    EXPECT_EQ(parse_date("2025-12-03"), date);
    EXPECT_EQ(parse_date("20251203"), date);
    EXPECT_TRUE(parse_date("2024-02-29"));
    for (const char* bad : {"", "2025-02-29", "2025-13-01", "20251232", "2025-1-01", "2025/12/03",
                            "2025-12-0x", "202512031", "-0251203"}) {
        EXPECT_FALSE(parse_date(bad)) << bad;
    }
}

// Every clock there is, in both forms, and nothing beyond.
TEST(Calendar, ClocksGoFrom0To29) {
    for (int hour = 0; hour < 100; ++hour) {
        for (int minute = 0; minute < 100; ++minute) {
            const std::string h = std::to_string(100 + hour).substr(1);
            const std::string m = std::to_string(100 + minute).substr(1);
            const bool good = hour <= 29 && minute <= 59;
            for (const std::string& text : {h + ":" + m, h + m}) {
                const auto clock = parse_clock(text);
                ASSERT_EQ(clock.has_value(), good) << text;
                if (good) {
                    ASSERT_EQ(clock->count(), hour * 60 + minute);
                }
            }
        }
    }
    for (const char* bad : {"", "9:00", "19:0", "19:000", "1900:", "ab:cd", "+9:00"}) {
        EXPECT_FALSE(parse_clock(bad)) << bad;
    }
}

TEST(Calendar, LateShowsBelongToTheDayTheyArePrintedUnder) {
    EXPECT_EQ(format_local(at(date, *parse_clock("25:10"))), "2025-12-04 01:10:00");
}

TEST(Calendar, DatesToPoll) {
    const LocalTime noon = at(date, 12h);
    DateRule list;
    list.list = {plus_days(date, 1), date, plus_days(date, -2), date};
    EXPECT_EQ(dates_to_poll(list, noon), (std::vector{date, plus_days(date, 1)}));
    DateRule range;
    range.from = plus_days(date, -5);
    range.to = plus_days(date, 2);
    EXPECT_EQ(dates_to_poll(range, noon),
              (std::vector{date, plus_days(date, 1), plus_days(date, 2)}));
    DateRule next;
    next.next = 2;
    EXPECT_EQ(dates_to_poll(next, noon), (std::vector{date, plus_days(date, 1)}));
    // Shows printed as 24:10 to 29:59 are still to come after midnight.
    DateRule one;
    one.list = {date};
    EXPECT_EQ(dates_to_poll(one, at(plus_days(date, 1), 5h + 59min)).size(), 1U);
    EXPECT_EQ(dates_to_poll(one, at(plus_days(date, 1), 6h)).size(), 0U);
}

TEST(Text, AnAddressIsVeiledAlsoWhereAReplyRepeatsIt) {
    EXPECT_EQ(veiled("someone@example.com"), "s***@example.com");
    EXPECT_EQ(veiled("@x"), "***");
    EXPECT_EQ(veiled(""), "");
    EXPECT_EQ(without_address("550 <me@a.test> no; me@a.test", "me@a.test"),
              "550 <m***@a.test> no; m***@a.test");
    EXPECT_EQ(without_address("exit 1", ""), "exit 1");
    EXPECT_EQ(without_address("x@y", "x"), "***@y") << "ends";
}

}  // namespace
}  // namespace oneloop::worker
