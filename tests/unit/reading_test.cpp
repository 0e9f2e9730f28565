// What several dates of one poll say together.
#include "worker/reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Date third{std::chrono::year{2025} / std::chrono::December / 3};
constexpr Date fourth = std::chrono::year{2025} / std::chrono::December / 4;
const LocalTime morning = at(third, 9h);

Item show(const std::string& id, Date date, int seats = 5) {
    Item item;
    item.id = id;
    item.title = "x";
    item.date = date;
    item.start = "19:00";
    item.start_clock = 19h;
    item.seats = seats;
    item.bookable = true;
    return item;
}

Finding found(Date date, std::vector<Item> items) {
    Finding finding;
    finding.date = date;
    finding.code = 200;
    if (items.empty()) {
        finding.answer = Empty{"no showtimes"};
    } else {
        finding.answer = Rows{std::move(items)};
    }
    return finding;
}

Finding failed(Date date) {
    Finding finding;
    finding.date = date;
    finding.error = "timed out";
    return finding;
}

// Kinds of the events of one poll; the ledger goes on.
std::vector<std::string> poll(Ledger& ledger, const std::vector<Finding>& findings) {
    const Reading reading = read_findings(Watch{}, ledger, findings, morning, 1, 1);
    for (const Known& known : reading.rows)
        ledger.insert_or_assign(known.item.id, known);
    std::vector<std::string> kinds;
    for (const Event& event : reading.events)
        kinds.emplace_back(name_of(event.kind));
    return kinds;
}

TEST(Reading, WhatMovesToAnotherDateIsChangedOnceAndNotGone) {
    for (const bool later : {false, true}) {
        Ledger ledger;
        const Date from = later ? third : fourth, to = later ? fourth : third;
        const auto both = [&](Date with) {
            return std::vector{
                found(third, with == third ? std::vector{show("1", third)} : std::vector<Item>{}),
                found(fourth,
                      with == fourth ? std::vector{show("1", fourth)} : std::vector<Item>{})};
        };
        poll(ledger, both(from));
        EXPECT_THAT(poll(ledger, both(to)), testing::ElementsAre("changed")) << later;
        EXPECT_EQ(ledger.at("1").item.date, to);
        EXPECT_THAT(poll(ledger, both(to)), IsEmpty()) << later;
    }
}

TEST(Reading, WhatNoDateListsIsGone) {
    Ledger ledger;
    poll(ledger, {found(third, {}), found(fourth, {show("1", fourth)})});
    EXPECT_THAT(poll(ledger, {found(third, {}), found(fourth, {})}), testing::ElementsAre("gone"));
}

TEST(Reading, NamesWhichPartsWereReadAndWhatTheyList) {
    const Ledger none;
    const std::vector<Finding> findings = {found(third, {show("1", third)}), failed(fourth)};
    const Reading reading = read_findings(Watch{}, none, findings, morning, 1, 1, {{"", third}});
    ASSERT_THAT(reading.parts, SizeIs(2));
    EXPECT_TRUE(reading.parts[0].read);
    EXPECT_THAT(reading.first, testing::ElementsAre("1"));
    EXPECT_THAT(read_findings(Watch{}, none, findings, morning, 1, 1).first, IsEmpty());
    EXPECT_FALSE(reading.parts[1].read);
    EXPECT_EQ(reading.parts[1].key, (DatePart::Key{"", fourth}));
    EXPECT_TRUE(read_findings(Watch{}, none, {found(third, {})}, morning, 1, 1).parts[0].read);
}

TEST(Reading, CountsWhatCanBeBookedAndItsSeats) {
    const Ledger none;
    const Reading reading = read_findings(
        Watch{}, none, {found(third, {show("1", third, 5), show("2", third, 0)})}, morning, 1, 1);
    ASSERT_THAT(reading.dates, SizeIs(1));
    EXPECT_THAT(reading.dates[0].matching, SizeIs(2));
    EXPECT_EQ(reading.dates[0].bookable, 1U);
    EXPECT_EQ(reading.dates[0].seats, 5);
}

}  // namespace
}  // namespace oneloop::worker
