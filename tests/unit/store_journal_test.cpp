// The journal: everything that happens gets a row of its own, whoever does it, and ids go on after
// a restart. With the reader that shows it.
#include "worker/store_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/process.h"
#include "worker/store.h"
#include "worker/store_outbox.h"
#include "worker/store_reader.h"
#include "worker/store_view.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Date day{std::chrono::year{2025} / std::chrono::December / 3};
const WallTime noon{std::chrono::sys_days{day} + 12h};

Known known(const std::string& id, State state) {
    Known row;
    row.item.id = id;
    row.item.title = "title " + id;
    row.item.date = day;
    row.item.raw = "{}";
    row.state = state;
    return row;
}

class JournalTest : public testing::Test {
  protected:
    JournalTest() : store_(path_), journal_(path_), reader_(StoreReader::open(path_)) {
        (void)store_.load_watch("w");
    }
    void tick_with(const std::string& event, const std::string& message) {
        Alerts alerts;
        alerts.events = {{event, "opened", "i1", 1}};
        alerts.messages = {{message, "me", "a@example.com", "subject", "bytes", {event}}};
        WatchState state;
        state.tick = tick_;
        ASSERT_TRUE(store_.commit("w", state,
                                  {known("i1", State::available), known("i2", State::sold_out)},
                                  day, alerts, noon + std::chrono::seconds(tick_)));
        ASSERT_TRUE(store_.claim_tick("w", tick_, noon, 30s));
        ++tick_;
    }
    [[nodiscard]] std::vector<std::string> kinds() const {
        std::vector<std::string> kinds;
        for (const JournalRow& row : reader_->journal(0, 100))
            kinds.push_back(row.kind);
        return kinds;
    }

    test::TempDir dir_;
    std::string path_ = dir_.file("s.db");
    Store store_;
    Journal journal_;
    std::unique_ptr<StoreReader> reader_;
    std::uint64_t tick_ = 0;
};

TEST_F(JournalTest, EventsMessagesTicksAndMutesAreRows) {
    tick_with("e1", "m1");
    journal_.note(noon, "tick", "w", R"({"seq":1})");
    OutboxStore outbox(path_);
    const auto message = outbox.find("m1");
    ASSERT_TRUE(outbox.save(message->id, message->life, arm(message->life), noon + 3s));
    reader_->set_mute("w", noon + 1h);
    reader_->set_mute("w", std::nullopt);
    EXPECT_THAT(kinds(), ElementsAre("event", "delivery", "tick", "delivery", "mute", "mute"));
    const auto rows = reader_->journal(0, 100);
    EXPECT_THAT(rows[0].data, HasSubstr("\"event\":\"e1\""));
    EXPECT_THAT(rows[1].data, HasSubstr("\"state\":\"queued\""));
    EXPECT_THAT(rows[3].data, HasSubstr("\"state\":\"armed\""));
    EXPECT_THAT(rows[3].data, HasSubstr("\"took_ms\":3000"));
    EXPECT_THAT(rows[4].data, HasSubstr("true"));
    EXPECT_EQ(reader_->last_id(), rows.back().id);
    EXPECT_EQ(reader_->journal(rows[3].id, 1).front().id, rows[4].id);
}

TEST_F(JournalTest, IdsGoOnAfterARestart) {
    journal_.note(noon, "tick", "w", "{}");
    const auto last = reader_->last_id();
    Journal again(path_);
    EXPECT_EQ(again.next_epoch(), 1U);
    EXPECT_EQ(Journal(path_).next_epoch(), 2U);
    again.note(noon, "tick", "w", R"({"seq":2})");
    EXPECT_EQ(reader_->last_id(), last + 1);
    EXPECT_THAT(again.last("tick", "w"), HasSubstr("2"));
    EXPECT_EQ(again.last("tick", "other"), "");
    tick_with("e1", "m1");  // the triggers are there once
    EXPECT_THAT(kinds(), ElementsAre("tick", "tick", "event", "delivery"));
}

TEST_F(JournalTest, OldRowsGoAndTheirIdsDoNotComeAgain) {
    Journal small(path_, 10);
    for (int i = 0; i < 200; ++i)
        small.note(noon, "tick", "w", "{}");
    EXPECT_EQ(reader_->journal(0, 1'000).size(), 10U);
    EXPECT_EQ(reader_->last_id(), 200);
    EXPECT_EQ(reader_->first_id(), 191);
}

TEST_F(JournalTest, AMuteEndsByItself) {
    reader_->set_mute("w", noon + 1h);
    EXPECT_TRUE(journal_.muted("w", noon));
    EXPECT_FALSE(journal_.muted("w", noon + 1h));
    EXPECT_FALSE(journal_.muted("v", noon));
    EXPECT_EQ(reader_->watches("20251203").front().muted_until, noon + 1h);
}

TEST_F(JournalTest, APauseLastsUntilItIsEndedAndKeepsItsBeginning) {
    tick_with("e1", "m1");
    reader_->set_pause("w", noon);
    reader_->set_pause("w", noon + 1h);
    EXPECT_THAT(Journal(path_).paused(), ElementsAre("w"));
    EXPECT_EQ(reader_->watches("20251203").front().paused_since, noon);
    EXPECT_EQ(StoreView(path_).watches().front().paused, noon);
    reader_->set_pause("w", std::nullopt);
    EXPECT_TRUE(journal_.paused().empty());
    EXPECT_THAT(kinds(), ElementsAre("event", "delivery", "pause", "pause"));
}

TEST_F(JournalTest, TheReaderCountsAndPages) {
    tick_with("e1", "m1");
    tick_with("e2", "m2");
    journal_.note(noon, "tick", "w", R"({"seq":1})");
    journal_.note(noon, "tick", "w", R"({"seq":2})");
    const WatchRow watch = reader_->watches("20251203").front();
    EXPECT_EQ(watch.items, 2U);
    EXPECT_EQ(watch.matching, 2U);
    EXPECT_EQ(watch.bookable, 1U);
    EXPECT_EQ(watch.tick, 2U);
    EXPECT_EQ(reader_->watches("20251204").front().items, 0U);  // over
    EXPECT_THAT(reader_->last_ticks().front().data, HasSubstr("2"));
    EXPECT_EQ(reader_->items("w").size(), 2U);

    StoreReader::EventQuery query;
    query.most = 1;
    const auto first = reader_->events(query);
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(first[0].id, "e2");
    EXPECT_THAT(first[0].fields, HasSubstr("title i1"));
    ASSERT_EQ(first[0].deliveries.size(), 1U);
    EXPECT_EQ(first[0].deliveries[0].key, "m2");
    query.before = first[0].at;
    query.before_id = first[0].id;
    EXPECT_EQ(reader_->events(query).front().id, "e1");
    query.kind = "gone";
    EXPECT_TRUE(reader_->events(query).empty());

    EXPECT_EQ(reader_->deliveries("", 0, 10).size(), 2U);
    const auto newest = reader_->deliveries("queued", 0, 1).front();
    EXPECT_EQ(newest.key, "m2");
    EXPECT_THAT(newest.events, ElementsAre("e2"));
    EXPECT_EQ(reader_->deliveries("", newest.id, 10).front().key, "m1");
    EXPECT_TRUE(reader_->deliveries("sent", 0, 10).empty());
}

TEST(StoreReaderTest, LookingMakesNoFile) {
    const test::TempDir dir;
    EXPECT_EQ(StoreReader::open(dir.file("none.db")), nullptr);
    EXPECT_FALSE(std::filesystem::exists(dir.file("none.db")));
    const Store store(dir.file("s.db"));
    EXPECT_EQ(StoreReader::open(dir.file("s.db")), nullptr);  // nobody has polled yet
}

}  // namespace
}  // namespace oneloop::worker
