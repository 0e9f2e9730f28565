// What is told, in which words, under which name.
#include "worker/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/alert.h"
#include "worker/template.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

Event event(const std::string& id = "1", EventKind kind = EventKind::opened) {
    Item item;
    item.id = id;
    item.title = "별의 <아이> & \"꿈\"";
    item.date = Date{std::chrono::year{2025} / 12 / 3};
    item.start = "19:00";
    item.end = "25:10";
    item.screen = "1관";
    item.seats = 5;
    item.seats_total = 100;
    item.link = "https://example.com/?a=1&b=2";
    return {kind, item, 1};
}

Telling telling(std::vector<Event> events) {
    Telling telling;
    telling.job = "j";
    telling.watch = "w";
    telling.name = "대구 · 별";
    telling.tick = 7;
    telling.wall = WallTime{std::chrono::sys_days{std::chrono::year{2025} / 12 / 2} + 3h};
    telling.local = LocalTime{telling.wall.time_since_epoch() / 1s * 1s + 9h};
    telling.events = std::move(events);
    for (const Event& one : telling.events)
        telling.ids.push_back(event_id("j", "w", one));
    return telling;
}

Channel smtp() {
    Channel channel;
    channel.id = "me";
    channel.from = {"", "from@example.com"};
    channel.to = {{"", "a@example.com"}, {"", "b@example.com"}};
    channel.message_id_domain = "example.com";
    channel.wording = default_wording();
    return channel;
}
Channel webhook(const std::string& body = default_body(Channel::Kind::webhook)) {
    Channel channel;
    channel.id = "hook";
    channel.kind = Channel::Kind::webhook;
    channel.wording = default_wording();
    channel.body = body;
    return channel;
}

TEST(Message, OneForEachRecipientWithItsOwnName) {
    const auto messages = compose(telling({event()}), smtp());
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_EQ(messages[0].recipient, "a@example.com");
    EXPECT_NE(messages[0].key, messages[1].key);
    EXPECT_THAT(messages[0].payload, HasSubstr("\r\nTo: a@example.com\r\n"));
    EXPECT_THAT(messages[0].payload, Not(HasSubstr("b@example.com")));
    EXPECT_THAT(messages[0].payload, HasSubstr("<oneloop." + messages[0].key + "@example.com>"));
    EXPECT_EQ(messages[0].subject, "[oneloop] 대구 · 별: 새 회차 1개");
}

TEST(Message, TheSameNewsHasTheSameNameWhenItIsToldLater) {
    Telling later = telling({event()});
    later.tick = 99;
    later.wall += 1h;
    EXPECT_EQ(compose(later, smtp())[0].key, compose(telling({event()}), smtp())[0].key);
    EXPECT_NE(compose(telling({event("2")}), smtp())[0].key,
              compose(telling({event("1")}), smtp())[0].key);
    Event again = event();
    again.transition = 2;
    EXPECT_NE(compose(telling({again}), smtp())[0].key, compose(telling({event()}), smtp())[0].key);
}

TEST(Message, ADigestIsNamedByItsTime) {
    Telling digest = telling({event()});
    digest.about = Telling::About::digest;
    Telling later = digest;
    later.tick = 8;
    EXPECT_NE(compose(digest, smtp())[0].key, compose(later, smtp())[0].key);
    EXPECT_THAT(compose(digest, smtp())[0].subject, HasSubstr("현재 회차 1개"));
}

TEST(Message, TheWordsOfALine) {
    Channel channel = webhook("{text}");
    channel.content_type = "text/plain";
    const std::string text = compose(telling({event()}), channel)[0].payload;
    EXPECT_EQ(text,
              "새 회차  12/03(수) 19:00~25:10  1관  5/100  별의 <아이> & \"꿈\"   "
              "https://example.com/?a=1&b=2\n\n2025-12-02 12:00:00 · 대구 · 별 · #7\n");
    Telling english = telling({event("1", EventKind::available)});
    english.language = Language::en;
    EXPECT_THAT(compose(english, channel)[0].payload, HasSubstr("available again  12/03(Wed)"));
}

TEST(Message, WhatACinemaSaysIsNoHtmlAndNoJson) {
    const std::string mail = compose(telling({event()}), smtp())[0].payload;
    EXPECT_THAT(mail, HasSubstr("&lt;"));
    EXPECT_THAT(mail, HasSubstr("&amp;b=3D2"));
    const std::string json = compose(telling({event()}), webhook())[0].payload;
    EXPECT_TRUE(is_json(json)) << json;
    EXPECT_THAT(json, HasSubstr(R"(\"꿈\")"));
    Event bad = event();
    bad.item.title = "\xFF\"}{text}\n{{";
    bad.item.link = "javascript:alert(1)";
    EXPECT_TRUE(is_json(compose(telling({bad}), webhook())[0].payload));
    EXPECT_THAT(compose(telling({bad}), smtp())[0].payload, Not(HasSubstr("href")));
}

TEST(Message, ABodyOfJsonKeepsItsBraces) {
    const auto fill = [](const std::string& body) {
        return compose(telling({event()}), webhook(body))[0].payload;
    };
    EXPECT_EQ(fill(R"({"a":{"n":{count},"t":"{tick}"},"x":{}})"),
              R"({"a":{"n":1,"t":"7"},"x":{}})");
    EXPECT_EQ(fill("{unknown} {"), "{unknown} {");
}

TEST(Message, AHundredShowtimesAreOneMailAndTooManyAreCounted) {
    std::vector<Event> events;
    for (int i = 0; i < 250; ++i)
        events.push_back(event(std::to_string(i)));
    Channel channel = webhook("{count}: {text}");
    channel.content_type = "text/plain";
    const auto messages = compose(telling(events), channel);
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_THAT(messages[0].payload, HasSubstr("250: "));
    EXPECT_THAT(messages[0].payload, HasSubstr("… 외 50개"));
    EXPECT_EQ(messages[0].events.size(), 250U);
}

TEST(Message, AQueueThatWasFullIsTold) {
    Telling lost = telling({});
    lost.about = Telling::About::overflow;
    lost.lost = 3;
    EXPECT_THAT(compose(lost, smtp())[0].subject, HasSubstr("보내지 못한 알림 3건"));
}

TEST(Template, WordsAreCheckedByName) {
    const std::vector<std::string_view> known = {"a", "b"};
    EXPECT_EQ(check_words("{a} {{x}} {b:%F}", known), "");
    EXPECT_EQ(check_words("{c}", known), "unknown name '{c}'; there are {a}, {b}");
    for (const char* bad : {"{a", "a}", "{", "{a}}", "}{"})
        EXPECT_THAT(check_words(bad, known), HasSubstr("stands alone")) << bad;
    EXPECT_EQ(fill_words("{{{a}}}", [](auto, auto) { return "v"; }), "{v}");
}

TEST(Alert, WhichEventsAreTold) {
    const AlertRule rule;
    EXPECT_TRUE(worth_telling(event(), rule));
    EXPECT_TRUE(worth_telling(event("1", EventKind::available), rule));
    EXPECT_FALSE(worth_telling(event("1", EventKind::sold_out), rule));
    Event born_sold_out = event();
    born_sold_out.item.seats = 0;
    EXPECT_FALSE(worth_telling(born_sold_out, rule));
    AlertRule all;
    all.events = {EventKind::sold_out, EventKind::gone};
    EXPECT_TRUE(worth_telling(event("1", EventKind::gone), all));
    EXPECT_FALSE(worth_telling(event(), all));
}

TEST(Alert, AWatchIsAboutItsSourceItsFilterAndItsDates) {
    std::vector<SourceSpec> sources(1);
    sources[0].url = "https://example.com/{date:%Y}";
    DateRule dates;
    dates.next = 3;
    const std::vector<Condition> where;
    const std::string before = subject_of(sources, where, dates);
    EXPECT_EQ(before, subject_of(sources, where, dates));
    Condition condition;
    condition.field = "title";
    condition.values = {"별"};
    EXPECT_NE(before, subject_of(sources, {condition}, dates));
    dates.next = 4;
    EXPECT_NE(before, subject_of(sources, where, dates));
    dates.next = 3;
    sources[0].form = {{"brchNo", "7011"}};
    EXPECT_NE(before, subject_of(sources, where, dates));
}

}  // namespace
}  // namespace oneloop::worker
