// journal: an entry byte by byte, and that the ids of the document are those of the code.
#include "common/journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <sstream>

#include "tests/support/datagram_socket.h"
#include "tests/unit/environment.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

using test::DatagramSocket;
using test::ScopedEnv;

TEST(Journal, an_entry_has_the_sentence_and_the_fields) {
    const log::Event event{log::Level::warn,
                           "worker_ended",
                           "worker 7 crashed",
                           {{"pid", std::int64_t{7}},
                            {"failure", true},
                            {"command", std::vector<std::string>{"a", "b"}}}};
    EXPECT_EQ(journal::entry(event, {"supervisor", 12}),
              "MESSAGE=worker 7 crashed\nPRIORITY=4\nSYSLOG_IDENTIFIER=supervisor\n"
              "ONELOOP_EVENT=worker_ended\nMESSAGE_ID=" +
                  std::string(journal::message_id("worker_ended")) +
                  "\nONELOOP_PID=7\nONELOOP_FAILURE=true\nONELOOP_COMMAND=a b\n"
                  "ONELOOP_GENERATION=12\n");
}

TEST(Journal, a_generation_of_the_event_itself_comes_once) {
    const log::Event event{
        log::Level::info, "worker_started", "", {{"generation", std::int64_t{3}}}};
    const std::string entry = journal::entry(event, {"supervisor", 2});
    EXPECT_NE(entry.find("ONELOOP_GENERATION=3\n"), std::string::npos);
    EXPECT_EQ(entry.find("ONELOOP_GENERATION=2\n"), std::string::npos);
    // Before the first worker there is none.
    EXPECT_EQ(journal::entry({}, {}).find("ONELOOP_GENERATION"), std::string::npos);
}

TEST(Journal, a_line_end_in_a_value_starts_no_field) {
    const log::Event event{log::Level::info, "message", "two\nPRIORITY=0", {}};
    using namespace std::string_literals;
    EXPECT_TRUE(
        journal::entry(event, {}).starts_with("MESSAGE\n\x0e\0\0\0\0\0\0\0two\nPRIORITY=0\n"s));
}

TEST(Journal, it_is_sent_whole_and_nobody_is_waited_for) {
    const test::TempDir dir;
    const std::string address = dir.path() + "/socket";
    EXPECT_FALSE(journal::send("MESSAGE=a\n", address.c_str()));
    DatagramSocket reader(address);
    ASSERT_TRUE(journal::send("MESSAGE=a\n", address.c_str()));
    EXPECT_EQ(reader.next(), "MESSAGE=a\n");
    int sent = 0;
    while (journal::send("MESSAGE=a\n", address.c_str()) && sent < 100'000)
        ++sent;
    EXPECT_LT(sent, 100'000);
}

TEST(Journal, a_stream_is_known_by_its_inode_and_not_by_the_variable) {
    struct stat info {};
    ASSERT_EQ(::fstat(STDERR_FILENO, &info), 0);
    const std::string ours = std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
    {
        const ScopedEnv stream("JOURNAL_STREAM", ours);
        EXPECT_TRUE(journal::is_stream(STDERR_FILENO));
    }
    const ScopedEnv stream("JOURNAL_STREAM", "1:" + ours);
    EXPECT_FALSE(journal::is_stream(STDERR_FILENO));
    const ScopedEnv none("JOURNAL_STREAM", std::nullopt);
    EXPECT_FALSE(journal::is_stream(STDERR_FILENO));
}

TEST(Journal, the_document_has_every_event_with_its_id) {
    std::istringstream document(read_text(ONELOOP_SOURCE_DIR "/docs/log.md"));
    std::size_t ids = 0;
    for (std::string line; std::getline(document, line);) {
        std::vector<std::string> parts;  // "| `event` | `its id` |", at the quotes
        std::istringstream row(line);
        for (std::string part; std::getline(row, part, '`');)
            parts.push_back(part);
        if (parts.size() != 5 || parts[2] != " | " || parts[3].size() != 32) continue;
        EXPECT_EQ(journal::message_id(parts[1]), parts[3]) << parts[1];
        ++ids;
    }
    EXPECT_EQ(ids, 17U);
    EXPECT_EQ(journal::message_id("message"), "");
}

}  // namespace
}  // namespace oneloop
