// AlertTest: a PollerTest with one channel, and what each tick writes for it.
#pragma once

#include <string>
#include <vector>

#include "tests/support/poller_fixture.h"
#include "worker/store_outbox.h"

namespace oneloop::worker::test_poller {

class AlertTest : public PollerTest {
  protected:
    AlertTest() { configure(""); }

    void configure(const std::string& of_watch, const std::string& where = "별의아이",
                   const std::string& limits = "", const std::string& of_channel = "") {
        ConfigReading reading =
            parse_config("version = 1\n" + limits + "[[channel]]\nid = \"x\"\nkind = \"exec\"\n" +
                             "command = [\"true\"]\n" +
                             (of_channel.empty() ? "body = \"{subject}\"\n" : of_channel) +
                             "[[watch]]\nid = \"w\"\n" +
                             "channels = [\"x\"]\ndates = [\"2025-12-03\", \"2025-12-04\"]\n" +
                             of_watch + "where = [ { field = \"title\", contains = \"" + where +
                             "\" } ]\n" + "source = { preset = \"megabox\", branch = \"7011\" }\n",
                         "test");
        ASSERT_THAT(reading.problems, testing::IsEmpty()) << reading.problems[0].message;
        config_ = reading.config;
        restart();
    }
    // What a tick added to the outbox, in its words.
    std::vector<std::string> told(std::initializer_list<HttpReply> replies) {
        Outcome outcome = tick(replies);
        if (outcome == Outcome::idle) outcome = tick(replies);  // quiet hours were over
        EXPECT_EQ(outcome, Outcome::done);
        OutboxStore outbox(dir_.file("s.db"));
        std::vector<std::string> result;
        for (const StoredMessage& message : outbox.open_messages()) {
            if (message.id > last_) result.push_back(outbox.payload(message.id));
            last_ = std::max(last_, message.id);
        }
        return result;
    }

    std::int64_t last_ = 0;
};

}  // namespace oneloop::worker::test_poller
