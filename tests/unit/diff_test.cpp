// What is news. Small enough to walk: every state meets every reply.
#include "worker/diff.h"

#include <gtest/gtest.h>

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
constexpr Date day{std::chrono::year{2025} / std::chrono::December / 3};
const LocalTime morning = at(day, 9h);

Item show(const char* id, std::optional<int> seats = 10, Date date = day,
          const char* start = "19:00", const char* screen = "1관") {
    Item item;
    item.id = id;
    item.title = "별의 아이";
    item.date = date;
    item.start = start;
    item.start_clock = parse_clock(start);
    item.screen = screen;
    item.seats = seats;
    item.seats_total = 100;
    return item;
}

std::vector<EventKind> kinds(const Difference& difference) {
    std::vector<EventKind> result;
    for (const Event& event : difference.events)
        result.push_back(event.kind);
    return result;
}

void apply(Ledger& ledger, const Difference& difference) {
    for (const Known& known : difference.rows)
        ledger.insert_or_assign(known.item.id, known);
}

// Turns the crank once: the events, with the ledger brought up to date.
std::vector<EventKind> see(Ledger& ledger, const std::vector<Item>& items, Date date = day,
                           LocalTime now = morning) {
    const Difference difference = compare(ledger, items, date, now, 1000);
    apply(ledger, difference);
    return kinds(difference);
}

using enum EventKind;
using Kinds = std::vector<EventKind>;

// Defect 1 of the original: the start time alone was the key.
TEST(Diff, Defect1TwoShowsAtTheSameMinuteAreTwoShows) {
    Ledger ledger;
    EXPECT_EQ(see(ledger, {show("1"), show("2", 10, day, "19:00", "2관")}),
              (Kinds{opened, opened}));
    const Date next = plus_days(day, 1);
    EXPECT_EQ(see(ledger, {show("3", 10, next)}, next), (Kinds{opened}));
}

TEST(Diff, OpenedOncePerIdForEver) {
    Ledger ledger;
    EXPECT_EQ(see(ledger, {show("1")}), (Kinds{opened}));
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(see(ledger, {show("1")}), (Kinds{}));
    EXPECT_EQ(see(ledger, {}), (Kinds{gone}));
    EXPECT_EQ(see(ledger, {}), (Kinds{}));
    EXPECT_EQ(see(ledger, {show("1")}), (Kinds{available}));  // back, and not new
}

// Defect 5 of the original: one date's failure discarded the other's result. A failed date is not
// compared at all, so what matters is that comparing one date leaves the other alone.
TEST(Diff, Defect5OneDateSaysNothingAboutAnother) {
    const Date next = plus_days(day, 1);
    Ledger ledger;
    see(ledger, {show("1")});
    see(ledger, {show("2", 10, next)}, next);
    EXPECT_EQ(see(ledger, {}, next), (Kinds{gone}));
    EXPECT_EQ(ledger.at("1").state, State::available);
    EXPECT_EQ(ledger.at("2").state, State::gone);
}

// Every known state against every reply: showtime listed with seats, sold out, with unknown seats,
// as another show, or missing.
TEST(Diff, Defect6EverySeatTransition) {
    struct Case {
        State before;
        std::optional<int> known_seats;
        std::optional<int> seats;
        Kinds expected;
        State after;
    };
    const Case cases[] = {
        {State::available, 10, 5, {}, State::available},
        {State::available, 10, 0, {sold_out}, State::sold_out},
        {State::available, 10, {}, {}, State::available},
        {State::sold_out, 0, 5, {available}, State::available},
        {State::sold_out, 0, 0, {}, State::sold_out},
        {State::sold_out, 0, {}, {}, State::sold_out},  // missing is not "some"
        {State::gone, 10, 5, {available}, State::available},
        {State::gone, 10, 0, {}, State::sold_out},
        {State::gone, 10, {}, {available}, State::available},
        {State::started, 10, 5, {available}, State::available},
        {State::started, 10, 0, {}, State::sold_out},
    };
    for (const Case& c : cases) {
        Ledger ledger;
        ledger["1"] = Known{show("1", c.known_seats), c.before, 4, 1, 1};
        EXPECT_EQ(see(ledger, {show("1", c.seats)}), c.expected)
            << name_of(c.before) << " " << c.seats.value_or(-1);
        EXPECT_EQ(ledger["1"].state, c.after);
        EXPECT_EQ(ledger["1"].transition, 4 + c.expected.size());
    }
}

TEST(Diff, UnknownSeatsKeepTheLastKnownOnes) {
    Ledger ledger;
    see(ledger, {show("1", 10)});
    see(ledger, {show("1", {})});
    EXPECT_EQ(ledger["1"].item.seats, 10);
}

TEST(Diff, ASoldOutShowThatOpensIsOpenedAndLaterAvailable) {
    Ledger ledger;
    EXPECT_EQ(see(ledger, {show("1", 0)}), (Kinds{opened}));
    EXPECT_EQ(see(ledger, {show("1", 2)}), (Kinds{available}));
}

TEST(Diff, AReusedIdIsChanged) {
    const Item before = show("1");
    Item film = before;
    film.title = "다른 영화";
    Item screen = before;
    screen.screen = "2관";
    Item date = before;
    date.date = plus_days(day, 1);
    for (const Item& after : {film, screen, date}) {
        Ledger ledger;
        see(ledger, {before});
        EXPECT_EQ(see(ledger, {after}, after.date), (Kinds{changed}));
        EXPECT_EQ(see(ledger, {after}, after.date), (Kinds{}));
        EXPECT_EQ(see(ledger, {}, day), after.date == day ? (Kinds{gone}) : (Kinds{}));
    }
    Ledger ledger;
    see(ledger, {before});
    Item spaced = before;
    spaced.title = "별의아이";
    spaced.start = "19:10";
    EXPECT_EQ(see(ledger, {spaced}), (Kinds{}));  // the same film, five minutes later
}

// One of several branches could not be read: what is missing may be there.
TEST(Diff, NothingIsGoneFromHalfAReply) {
    Ledger ledger;
    see(ledger, {show("1"), show("2")});
    const Difference half = compare(ledger, {show("1"), show("3")}, day, morning, 1000, false);
    EXPECT_EQ(kinds(half), (Kinds{opened}));
    EXPECT_EQ(kinds(compare(ledger, {show("1"), show("3")}, day, morning, 1000)),
              (Kinds{opened, gone}));
}

TEST(Diff, WhatHasBegunIsNotGone) {
    for (const auto& [now, expected] : {std::pair{at(day, 18h + 29min), Kinds{gone}},
                                        {at(day, 18h + 30min), Kinds{}},
                                        {at(day, 23h), Kinds{}}}) {
        Ledger ledger;
        see(ledger, {show("1")});
        EXPECT_EQ(see(ledger, {}, day, now), expected);
        EXPECT_EQ(see(ledger, {}, day, now), (Kinds{}));
    }
    Ledger ledger;
    see(ledger, {show("1", 10, day, "24:10")});
    EXPECT_EQ(see(ledger, {}, day, at(day, 23h)), (Kinds{gone}));
}

TEST(Diff, AnIdListedTwiceIsOneEvent) {
    Ledger ledger;
    EXPECT_EQ(see(ledger, {show("1"), show("1")}), (Kinds{opened}));
}

// With `confirm`: what each poll of a series makes known. A poll is a list of showtimes, half of
// one, or none that could be read.
struct Poll {
    std::vector<Item> items;
    bool whole = true;
};
std::vector<Kinds> series(const std::vector<Poll>& polls, unsigned confirm, Ledger ledger = {}) {
    std::vector<Kinds> result;
    for (const Poll& poll : polls) {
        const Difference difference =
            compare(ledger, poll.items, day, morning, 1000, poll.whole, confirm);
        apply(ledger, difference);
        result.push_back(kinds(difference));
    }
    return result;
}
using Series = std::vector<Kinds>;

TEST(DiffConfirm, AnOpeningIsNewsWhenSoManyPollsInARowHaveShownIt) {
    const Poll there{{show("1")}};
    const Poll closed{};
    for (unsigned confirm = 1; confirm <= 4; ++confirm) {
        for (unsigned polls = 1; polls <= 6; ++polls) {
            Series expected(polls);
            if (polls >= confirm) expected[confirm - 1] = {opened};
            EXPECT_EQ(series(std::vector<Poll>(polls, there), confirm), expected);
        }
    }
    // One that flickers never is, and its end is none either.
    EXPECT_EQ(series({there, closed, there, closed, there}, 2), Series(5));
    EXPECT_EQ(series({there, there, closed, there, there, there}, 3),
              (Series{{}, {}, {}, {}, {}, {opened}}));
    // The control: without it each flicker is told.
    EXPECT_EQ(series({there, closed, there}, 1), (Series{{opened}, {gone}, {available}}));
}

TEST(DiffConfirm, HalfAReplyInterruptsNothingAndCountsWhatItShows) {
    const Poll there{{show("1")}};
    const Poll half{{}, false};
    EXPECT_EQ(series({there, half, half, there}, 2), (Series{{}, {}, {}, {opened}}));
    EXPECT_EQ(series({there, {{show("1")}, false}}, 2), (Series{{}, {opened}}));
}

TEST(DiffConfirm, SeatsThatComeBackAreAnOpeningTooAndTheRestIsToldAtOnce) {
    const Poll there{{show("1", 5)}};
    const Poll sold{{show("1", 0)}};
    const Poll closed{};
    EXPECT_EQ(series({there, there, sold, there, sold, there, there}, 2),
              (Series{{}, {opened}, {sold_out}, {}, {}, {}, {available}}));
    EXPECT_EQ(series({there, there, closed, there, there}, 2),
              (Series{{}, {opened}, {gone}, {}, {available}}));
    // Sold out from the beginning: there it is, and when somebody can book it is another opening.
    EXPECT_EQ(series({sold, sold, there, there}, 2), (Series{{}, {opened}, {}, {available}}));
    EXPECT_EQ(series({sold, there, there}, 2), (Series{{}, {opened}, {}}));
    Item other = show("1", 5);
    other.title = "다른 영화";
    EXPECT_EQ(series({there, there, {{other}}}, 2), (Series{{}, {opened}, {changed}}));
    // Before it was news it is another opening.
    EXPECT_EQ(series({there, there, {{other}}, {{other}}, {{other}}}, 3),
              (Series{{}, {}, {}, {}, {opened}}));
}

// What was gone before it was told does not come back as "available again".
TEST(DiffConfirm, NobodyIsToldOfTheEndOfWhatNobodyKnew) {
    Ledger ledger;
    const Difference seen = compare(ledger, {show("1")}, day, morning, 1000, true, 3);
    apply(ledger, seen);
    EXPECT_EQ(ledger.at("1").state, State::unconfirmed);
    EXPECT_EQ(ledger.at("1").waiting, 1U);
    EXPECT_EQ(ledger.at("1").transition, 0U);
    const Difference vanished = compare(ledger, {}, day, morning, 1000, true, 3);
    apply(ledger, vanished);
    EXPECT_EQ(ledger.at("1").state, State::unconfirmed);
    EXPECT_EQ(ledger.at("1").waiting, 0U);
    // Less is asked for now, as after an edit of the configuration.
    EXPECT_EQ(series({{{show("1")}}}, 1, ledger), (Series{{opened}}));
}

TEST(Diff, StatesHaveNamesThatReadBack) {
    for (const State state :
         {State::available, State::sold_out, State::gone, State::started, State::unconfirmed}) {
        EXPECT_EQ(state_from(name_of(state)), state);
    }
    EXPECT_EQ(state_from("nonsense"), State::gone);
}

}  // namespace
}  // namespace oneloop::worker
