// Messages in the state file: written with the tick or not at all, changed by one hand at a time,
// and files of an older version brought up to date with a copy made first.
#include "worker/store_outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/process.h"
#include "worker/store.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
constexpr Date day{std::chrono::year{2025} / std::chrono::December / 3};
const WallTime noon{std::chrono::sys_days{day} + 12h};

NewMessage message(const std::string& key, const std::string& channel = "me") {
    return {key, channel, "a@example.com", "subject " + key, "bytes\0of " + key, {"e-" + key}};
}

class StoreOutboxTest : public testing::Test {
  protected:
    bool commit(Store& store, const Alerts& alerts, std::uint64_t tick = 0) {
        (void)store.load_watch("w");
        WatchState state;
        state.tick = tick;
        return store.commit("w", state, {}, day, alerts, noon);
    }
    void python(const std::string& code) {
        test::Process process({{"/usr/bin/python3", "-c", "import sqlite3,sys\n" + code, path_},
                               "",
                               {},
                               dir_.file("out")});
        ASSERT_EQ(process.wait(10s), ExitStatus{}) << process.output();
    }

    test::TempDir dir_;
    std::string path_ = dir_.file("s.db");
};

TEST_F(StoreOutboxTest, AMessageSurvivesToTheByte) {
    {
        Store store(path_);
        Alerts alerts;
        alerts.messages = {message("k1"), message("k2")};
        alerts.messages[0].payload = std::string("\0\r\n한글\xFF", 10);
        ASSERT_TRUE(commit(store, alerts));
    }
    OutboxStore outbox(path_);
    const auto found = outbox.open_messages();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].key, "k1");
    EXPECT_EQ(found[0].life, written(noon));
    EXPECT_EQ(found[0].recipient, "a@example.com");
    EXPECT_EQ(outbox.payload(found[0].id), std::string("\0\r\n한글\xFF", 10));
    EXPECT_EQ(outbox.find("k2")->subject, "subject k2");
    EXPECT_FALSE(outbox.find("k3"));
}

TEST_F(StoreOutboxTest, ATickThatIsNotOursWritesNoMessage) {
    Store store(path_);
    Alerts alerts;
    alerts.told = "x";
    alerts.messages = {message("k")};
    EXPECT_FALSE(commit(store, alerts, 7));
    EXPECT_TRUE(OutboxStore(path_).open_messages().empty());
    EXPECT_EQ(store.load_watch("w").told, "");
}

TEST_F(StoreOutboxTest, TheSameNewsIsWrittenOnce) {
    Store store(path_);
    Alerts alerts;
    alerts.messages = {message("k")};
    ASSERT_TRUE(commit(store, alerts));
    OutboxStore outbox(path_);
    const auto first = outbox.open_messages().at(0);
    ASSERT_TRUE(outbox.save(first.id, first.life, arm(first.life), noon));
    alerts.messages[0].payload = "other bytes";
    ASSERT_TRUE(commit(store, alerts));
    ASSERT_EQ(outbox.open_messages().size(), 1U);
    EXPECT_EQ(outbox.open_messages()[0].life.phase, Phase::armed);
    EXPECT_EQ(outbox.payload(first.id), message("k").payload);
}

TEST_F(StoreOutboxTest, OnlyOneHandChangesAMessage) {
    Store store(path_);
    Alerts alerts;
    alerts.messages = {message("k")};
    ASSERT_TRUE(commit(store, alerts));
    OutboxStore one(path_);
    OutboxStore other(path_);
    const auto seen = one.open_messages().at(0);
    EXPECT_TRUE(one.save(seen.id, seen.life, arm(seen.life), noon));
    EXPECT_FALSE(other.save(seen.id, seen.life, arm(seen.life), noon));
    EXPECT_EQ(other.find("k")->life, arm(seen.life));
}

TEST_F(StoreOutboxTest, CountersAndListsSayWhatThereIs) {
    Store store(path_);
    Alerts alerts;
    alerts.messages = {message("k1"), message("k2"), message("k3")};
    alerts.overflow = {{"me", 2}};
    ASSERT_TRUE(commit(store, alerts));
    OutboxStore outbox(path_);
    const RetryRule rule;
    const auto all = outbox.open_messages();
    const Delivery unknown = settle(arm(all[0].life), NoAnswer{"closed"}, rule, noon);
    ASSERT_TRUE(outbox.save(all[0].id, all[0].life, arm(all[0].life), noon));
    ASSERT_TRUE(outbox.save(all[0].id, arm(all[0].life), unknown, noon));
    ASSERT_TRUE(outbox.save(all[1].id, all[1].life,
                            settle(all[1].life, Accepted{"250"}, rule, noon), noon));
    OutboxCounts expected;
    expected.queued = expected.sent = expected.uncertain = expected.doubtful = 1;
    expected.overflow = 2;
    EXPECT_EQ(outbox.counts(), expected);
    EXPECT_EQ(outbox.list({Phase::uncertain}).at(0).life, unknown);
    EXPECT_EQ(store.queue_of("me").pending, 2U);
    EXPECT_EQ(store.queue_of("me").overflowed, 2U);
    EXPECT_EQ(store.queue_of("other").pending, 0U);
    Alerts told;
    told.overflow_told = {"me"};
    ASSERT_TRUE(commit(store, told));
    EXPECT_EQ(store.queue_of("me").overflowed, 0U);
    EXPECT_EQ(outbox.counts().overflow, 2U);  // it did happen
}

TEST_F(StoreOutboxTest, AnotherConnectionsChangeIsNoticed) {
    Store store(path_);
    OutboxStore outbox(path_);
    const int before = outbox.version();
    EXPECT_EQ(outbox.version(), before);
    Alerts alerts;
    alerts.messages = {message("k")};
    ASSERT_TRUE(commit(store, alerts));
    EXPECT_NE(outbox.version(), before);
}

TEST_F(StoreOutboxTest, WhatIsOverIsForgottenAndWhatIsNotIsKept) {
    Store store(path_);
    Alerts alerts;
    alerts.messages = {message("sent"), message("open")};
    alerts.events = {{"e-sent", "opened", "1", 1}, {"e-open", "opened", "2", 1}};
    ASSERT_TRUE(commit(store, alerts));
    OutboxStore outbox(path_);
    const auto all = outbox.open_messages();
    ASSERT_TRUE(
        outbox.save(all[0].id, all[0].life, settle(all[0].life, Accepted{}, {}, noon), noon));
    outbox.forget_old(noon + 8 * 24h);
    EXPECT_EQ(outbox.payload(all[0].id), "");
    EXPECT_EQ(outbox.payload(all[1].id), message("open").payload);
    EXPECT_TRUE(outbox.find("sent"));
    outbox.forget_old(noon + 91 * 24h);
    EXPECT_FALSE(outbox.find("sent"));
    EXPECT_TRUE(outbox.find("open"));
}

// Somebody who looks from outside and goes again must not believe to be the last one and take the
// log away: what is written afterwards would be in a file without a name.
TEST_F(StoreOutboxTest, WhoLooksFromOutsideTakesNothingAway) {
    Store store(path_);
    OutboxStore outbox(path_);
    const char* const look =
        "c = sqlite3.connect(sys.argv[1])\n"
        "print(c.execute('SELECT count(*) FROM message').fetchone()[0]); c.close()";
    python(look);
    Alerts alerts;
    alerts.messages = {message("k")};
    ASSERT_TRUE(commit(store, alerts));
    python(look);
    EXPECT_EQ(test::read_file(dir_.file("out")), "0\n1\n");
    EXPECT_EQ(::access((path_ + "-wal").c_str(), F_OK), 0);
    EXPECT_EQ(outbox.open_messages().size(), 1U);
}

// The tables as version 1 made them.
constexpr const char* version_1 = R"py(
c = sqlite3.connect(sys.argv[1])
c.executescript('''
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE watch (id TEXT PRIMARY KEY, tick INTEGER NOT NULL DEFAULT 0, due_ms INTEGER,
  distance_ms INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, last_ok_ms INTEGER)
  WITHOUT ROWID;
CREATE TABLE item (watch TEXT NOT NULL REFERENCES watch(id) ON DELETE CASCADE, key TEXT NOT NULL,
  fields TEXT NOT NULL, raw TEXT NOT NULL, date TEXT NOT NULL, state TEXT NOT NULL,
  transition INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  PRIMARY KEY (watch, key)) WITHOUT ROWID;
INSERT INTO meta VALUES ('schema', '1');
INSERT INTO watch VALUES ('w', 41, 5, 6, 0, 7);
INSERT INTO item VALUES ('w', '1', '{"date":"20251203"}', '', '20251203', 'sold_out', 3, 1, 2);
PRAGMA application_id = 0x4F6E654C;
''')
)py";

TEST_F(StoreOutboxTest, AFileOfVersion1IsCopiedAndBroughtUpToDate) {
    python(version_1);
    Store store(path_);
    EXPECT_EQ(store.load_watch("w").tick, 41U);
    EXPECT_EQ(store.load_watch("w").told, "");
    EXPECT_EQ(store.load_items("w").at("1").transition, 3U);
    EXPECT_EQ(store.load_items("w").at("1").waiting, 0U);
    EXPECT_TRUE(OutboxStore(path_).open_messages().empty());
    const std::string copy = backup_name(path_, 1, 1);
    struct stat info {};
    ASSERT_EQ(::stat(copy.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    // The copy is what was there: a version 1 file with its rows.
    const std::string file = std::exchange(path_, copy);
    python(
        "c = sqlite3.connect(sys.argv[1])\n"
        "assert c.execute('SELECT value FROM meta').fetchone() == ('1',)\n"
        "assert c.execute('SELECT tick FROM watch').fetchone() == (41,)\n"
        "assert c.execute('PRAGMA application_id').fetchone() == (0x4F6E654C,)\n");
    // Once: a second start copies nothing.
    { const Store again(file); }
    EXPECT_NE(::access(backup_name(file, 1, 2).c_str(), F_OK), 0);
}

TEST_F(StoreOutboxTest, AnOlderCopyIsNeverOverwritten) {
    test::write_file(backup_name(path_, 1, 1), "mine");
    python(version_1);
    { const Store store(path_); }
    EXPECT_EQ(test::read_file(backup_name(path_, 1, 1)), "mine");
    EXPECT_GT(test::read_file(backup_name(path_, 1, 2)).size(), 4096U);
}

TEST_F(StoreOutboxTest, WithoutACopyNothingIsChanged) {
    python(version_1);
    for (int n = 1; n < 100; ++n)
        test::write_file(backup_name(path_, 1, n), "mine");
    EXPECT_THROW(Store{path_}, StoreError);
    python(
        "assert sqlite3.connect(sys.argv[1]).execute('SELECT value FROM meta').fetchone() == "
        "('1',)");
}

}  // namespace
}  // namespace oneloop::worker
