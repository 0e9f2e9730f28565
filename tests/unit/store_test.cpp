// What survives a restart, and what is refused.
#include "worker/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "tests/support/process.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
constexpr Date day{std::chrono::year{2025} / std::chrono::December / 3};
const Date long_ago = plus_days(day, -30);

Known known(const char* id, Date date = day) {
    Known row;
    row.item.id = id;
    row.item.title = "별의 아이";
    row.item.date = date;
    row.item.start = "19:00";
    row.item.start_clock = 19h;
    row.item.seats = 5;
    row.item.raw = R"({"a":1})";
    row.state = State::sold_out;
    row.transition = 3;
    row.first_seen = 100;
    row.last_seen = 200;
    row.waiting = 2;
    return row;
}

class StoreTest : public testing::Test {
  protected:
    // As another program would, with a library that is not the store's.
    void change(const std::string& sql) const {
        test::Process python({{"/usr/bin/python3", "-c",
                               "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]);"
                               "c.executescript(sys.argv[2])",
                               path_, sql},
                              "",
                              {},
                              dir_.file("out")});
        ASSERT_EQ(python.wait(10s), ExitStatus{}) << test::read_file(dir_.file("out"));
    }

    test::TempDir dir_;
    std::string path_ = dir_.file("s.db");
};

TEST_F(StoreTest, AClaimIsCompareAndSwap) {
    Store store(path_);
    EXPECT_EQ(store.load_watch("w").tick, 0U);
    EXPECT_TRUE(store.claim_tick("w", 0, WallTime(1s), 1s));
    EXPECT_FALSE(store.claim_tick("w", 0, WallTime(1s), 1s));  // the same tick again
    EXPECT_FALSE(store.claim_tick("w", 2, WallTime(1s), 1s));
    EXPECT_TRUE(store.claim_tick("w", 1, WallTime(1s), 1s));
    EXPECT_FALSE(store.claim_tick("unknown", 0, WallTime(1s), 1s));
    EXPECT_EQ(store.load_watch("w").tick, 2U);
}

TEST_F(StoreTest, TwoProcessesClaimATickOnce) {
    Store one(path_);
    Store other(path_);
    (void)one.load_watch("w");
    int claimed = 0;
    for (std::uint64_t tick = 0; tick < 20; ++tick) {
        claimed += one.claim_tick("w", tick, WallTime(1s), 1s);
        claimed += other.claim_tick("w", tick, WallTime(1s), 1s);
    }
    EXPECT_EQ(claimed, 20);
}

TEST_F(StoreTest, EverythingSurvivesARestart) {
    WatchState state;
    {
        Store store(path_);
        (void)store.load_watch("w");
        ASSERT_TRUE(store.claim_tick("w", 0, WallTime(1s), 1s));
        state.tick = 1;
        state.due = WallTime(1234ms);
        state.distance = 30s;
        state.failures = 2;
        state.last_ok = WallTime(99s);
        ASSERT_TRUE(store.commit("w", state, {known("1"), known("2")}, long_ago));
    }
    Store store(path_);
    const WatchState read = store.load_watch("w");
    EXPECT_EQ(read.tick, 1U);
    EXPECT_EQ(read.due, state.due);
    EXPECT_EQ(read.distance, state.distance);
    EXPECT_EQ(read.failures, 2U);
    EXPECT_EQ(read.last_ok, state.last_ok);
    const Ledger items = store.load_items("w");
    ASSERT_EQ(items.size(), 2U);
    EXPECT_EQ(items.at("1").item, known("1").item);
    EXPECT_EQ(items.at("1").state, State::sold_out);
    EXPECT_EQ(items.at("1").transition, 3U);
    EXPECT_EQ(items.at("1").first_seen, 100);
    EXPECT_EQ(items.at("1").waiting, 2U);
    EXPECT_TRUE(store.load_items("other").empty());
}

TEST_F(StoreTest, AClaimWithoutACommitStillMovesTheDueTime) {
    {
        Store store(path_);
        (void)store.load_watch("w");
        ASSERT_TRUE(store.claim_tick("w", 0, WallTime(30s), 30s));
    }  // crashed while polling
    Store store(path_);
    EXPECT_EQ(store.load_watch("w").due, WallTime(30s));
    EXPECT_EQ(store.load_watch("w").tick, 1U);
}

TEST_F(StoreTest, ACommitOfAnOldTickWritesNothing) {
    Store store(path_);
    (void)store.load_watch("w");
    ASSERT_TRUE(store.claim_tick("w", 0, WallTime(1s), 1s));
    WatchState state;
    state.tick = 1;
    ASSERT_TRUE(store.claim_tick("w", 1, WallTime(1s), 1s));  // somebody else went on
    EXPECT_FALSE(store.commit("w", state, {known("1")}, long_ago));
    EXPECT_TRUE(store.load_items("w").empty());
}

TEST_F(StoreTest, AnEventThatWasThereIsCountedAndNotToldAgain) {
    Store store(path_);
    const WatchState state = store.load_watch("w");
    Alerts alerts;
    alerts.events = {{"e1", "opened", "1", 1}, {"e2", "opened", "2", 1}};
    ASSERT_TRUE(store.commit("w", state, {}, long_ago, alerts));
    EXPECT_EQ(store.repeated(), 0U);
    alerts.events[0].id = "e3";
    ASSERT_TRUE(store.commit("w", state, {}, long_ago, alerts));
    EXPECT_EQ(store.repeated(), 1U);
    ASSERT_TRUE(store.commit("w", state, {}, long_ago, {}));
    EXPECT_EQ(store.repeated(), 0U);
}

TEST_F(StoreTest, AFailedTickKeepsTheTimeOfTheLastGoodOne) {
    Store store(path_);
    (void)store.load_watch("w");
    WatchState state;
    state.last_ok = WallTime(5s);
    ASSERT_TRUE(store.commit("w", state, {}, long_ago));
    state.last_ok.reset();
    ASSERT_TRUE(store.commit("w", state, {}, long_ago));
    EXPECT_EQ(store.load_watch("w").last_ok, WallTime(5s));
}

TEST_F(StoreTest, OldShowtimesAreForgotten) {
    Store store(path_);
    (void)store.load_watch("w");
    ASSERT_TRUE(store.commit("w", {}, {known("old", plus_days(day, -31)), known("new")}, long_ago));
    EXPECT_EQ(store.load_items("w").size(), 1U);
}

TEST_F(StoreTest, TheFileIsPrivate) {
    const Store store(path_);
    struct stat info {};
    ASSERT_EQ(::stat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(StoreTest, AFileOfAnotherKindIsRefusedAndUntouched) {
    const std::string text = "these are my notes, all 4 KiB of them" + std::string(4096, '.');
    test::write_file(path_, text);
    try {
        const Store store(path_);
        FAIL() << "opened a text file";
    } catch (const StoreError& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr(path_));
    }
    EXPECT_EQ(test::read_file(path_), text);
}

TEST_F(StoreTest, ADamagedFileIsRefused) {
    {
        Store store(path_);
        (void)store.load_watch("w");
        std::vector<Known> rows;
        for (int i = 0; i < 500; ++i)
            rows.push_back(known(std::to_string(i).c_str()));
        ASSERT_TRUE(store.commit("w", {}, rows, long_ago));
    }
    std::string bytes = test::read_file(path_);
    ASSERT_GT(bytes.size(), 20'000U);
    bytes.replace(4096, bytes.size() - 8192, std::string(bytes.size() - 8192, '\xA5'));
    test::write_file(path_, bytes);
    EXPECT_THROW(Store{path_}, StoreError);
    EXPECT_EQ(test::read_file(path_), bytes);
}

TEST_F(StoreTest, WhoPollsSetsADamagedFileAsideWholeAndBeginsANewOne) {
    const std::string text = "no state, but somebody may miss it" + std::string(4096, '.');
    std::set<std::string> names;
    for (int i = 0; i < 3; ++i) {
        test::write_file(path_, text);
        Store store = Store::open_or_begin(path_, 0, WallTime(1000s));
        const auto aside = store.set_aside_file();
        ASSERT_TRUE(aside);
        EXPECT_EQ(aside->at, WallTime(1000s));
        EXPECT_THAT(aside->why, testing::HasSubstr(path_));
        EXPECT_EQ(test::read_file(aside->name), text);
        EXPECT_TRUE(names.insert(aside->name).second) << "an earlier one was overwritten";
        EXPECT_EQ(store.load_watch("w").tick, 0U);
    }
    // A sound one is opened, and remembers.
    const Store again = Store::open_or_begin(path_, 0, WallTime(2000s));
    EXPECT_EQ(Store(path_).set_aside_file()->at, WallTime(1000s));
}

// It may be in use, and going back to the newer version has to find it.
TEST_F(StoreTest, WhatIsNotDamagedIsNotSetAside) {
    { const Store store(path_); }
    for (const char* sql : {"UPDATE meta SET value='99'", "PRAGMA application_id=7"}) {
        ASSERT_NO_FATAL_FAILURE(change(sql));
        const std::string before = test::read_file(path_);
        EXPECT_THROW((void)Store::open_or_begin(path_, 0, {}), StoreError) << sql;
        EXPECT_EQ(test::read_file(path_), before);
    }
}

TEST_F(StoreTest, AFileThatHasReachedItsLimitSaysSoAndKeepsWhatItHas) {
    Store store(path_, 256 * 1024);
    (void)store.load_watch("w");
    ASSERT_TRUE(store.commit("w", {}, {known("1")}, long_ago));
    std::vector<Known> rows;
    for (int i = 0; i < 5000; ++i)
        rows.push_back(known(("n" + std::to_string(i)).c_str()));
    EXPECT_THROW((void)store.commit("w", {}, rows, long_ago), StoreUnwritable);
    EXPECT_EQ(store.load_items("w").size(), 1U);
    EXPECT_LE(store.bytes(), 256U * 1024);
    EXPECT_TRUE(store.commit("w", {}, {known("2")}, long_ago)) << "what fits is taken";
}

TEST_F(StoreTest, AStateFileOfTheFutureIsRefused) {
    { const Store store(path_); }
    ASSERT_NO_FATAL_FAILURE(change("UPDATE meta SET value='99'"));
    EXPECT_THROW(Store{path_}, StoreError);
}

TEST_F(StoreTest, ADatabaseOfAnotherProgramIsRefused) {
    ASSERT_NO_FATAL_FAILURE(change("CREATE TABLE mine (x)"));
    const std::string before = test::read_file(path_);
    EXPECT_THROW(Store{path_}, StoreError);
    EXPECT_EQ(test::read_file(path_), before);
}

// One that says whose it is, is not set aside either when it is damaged.
TEST_F(StoreTest, ADamagedDatabaseOfAnotherProgramIsLeftAlone) {
    ASSERT_NO_FATAL_FAILURE(change("PRAGMA application_id=7; CREATE TABLE mine (x)"));
    std::string bytes = test::read_file(path_);
    bytes.replace(100, 300, std::string(300, '\xA5'));  // the table of tables
    test::write_file(path_, bytes);
    EXPECT_THROW((void)Store::open_or_begin(path_, 0, {}), StoreError);
    EXPECT_EQ(test::read_file(path_), bytes);
}

TEST_F(StoreTest, ALinkIsNotFollowed) {
    ASSERT_EQ(::symlink("/dev/null", path_.c_str()), 0);
    EXPECT_THROW(Store{path_}, StoreError);
}

}  // namespace
}  // namespace oneloop::worker
