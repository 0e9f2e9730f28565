// notify_message: every key, every truncation, and bytes that are no message.
#include "supervisor/notify_message.h"

#include <gtest/gtest.h>

namespace oneloop {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

NotifyMessage good(std::string_view datagram) {
    const auto message = parse_notify_message(datagram);
    if (!message) ADD_FAILURE() << message.error().what;
    return message.value_or(NotifyMessage{});
}

TEST(NotifyMessage, every_key) {
    const auto message = good(
        "READY=1\nSTOPPING=1\nRELOADING=1\nSTATUS=serving 3 = 4\nWATCHDOG=1\nWATCHDOG=trigger\n"
        "WATCHDOG_USEC=2000000\nEXTEND_TIMEOUT_USEC=5000000\nERRNO=2\nBARRIER=1\nFDSTORE=1\n");
    NotifyMessage expected;
    expected.ready = expected.stopping = expected.reloading = expected.watchdog = true;
    expected.watchdog_trigger = expected.barrier = expected.fdstore = true;
    expected.status = "serving 3 = 4";
    expected.watchdog_time = seconds(2);
    expected.extend_timeout = seconds(5);
    expected.error_number = 2;
    EXPECT_EQ(message, expected);
}

TEST(NotifyMessage, what_is_not_known_is_skipped) {
    for (const char* text :
         {"", "\n", "\n\n\n", "=", "=1", "READY", "READY\n=1", "ready=1", " READY=1", "READY =1",
          "MAINPID=1", "MONOTONIC_USEC=x", "FDNAME=a", "X_VENDOR=1", "READYREADY=1"}) {
        EXPECT_EQ(good(text), NotifyMessage{}) << text;
    }
    EXPECT_TRUE(good("NEWS=1\nREADY=1").ready);
    EXPECT_TRUE(good("\nREADY=1").ready);
}

TEST(NotifyMessage, a_value_that_is_none_is_named_and_has_no_effect) {
    for (const char* text :
         {"READY=",           "READY=0",          "READY=2",           "READY=1 ",
          "READY=yes",        "STOPPING=x",       "RELOADING=",        "WATCHDOG=",
          "WATCHDOG=Trigger", "WATCHDOG=0",       "WATCHDOG_USEC=",    "WATCHDOG_USEC=-1",
          "WATCHDOG_USEC=1s", "WATCHDOG_USEC= 1", "WATCHDOG_USEC=1.5", "EXTEND_TIMEOUT_USEC=x",
          "ERRNO=x",          "ERRNO=-1",         "BARRIER=2",         "FDSTORE=true"}) {
        NotifyMessage expected;
        expected.bad = {text};
        EXPECT_EQ(good(text), expected) << text;
        // The rest of the message counts.
        EXPECT_TRUE(good(std::string(text) + "\nREADY=1").ready) << text;
    }
}

TEST(NotifyMessage, times_end_at_a_day) {
    EXPECT_EQ(good("WATCHDOG_USEC=0").watchdog_time, microseconds(0));
    for (const char* text :
         {"86400000000", "86400000001", "18446744073709551615", "99999999999999999999999999999"}) {
        const std::string value = text;
        EXPECT_EQ(good("WATCHDOG_USEC=" + value).watchdog_time, longest_notify_time) << text;
        EXPECT_EQ(good("EXTEND_TIMEOUT_USEC=" + value).extend_timeout, longest_notify_time);
    }
    EXPECT_EQ(good("WATCHDOG_USEC=86399999999").watchdog_time, microseconds(86'399'999'999));
}

TEST(NotifyMessage, the_last_status_counts_and_can_do_nothing_to_a_terminal) {
    EXPECT_EQ(good("STATUS=a\nSTATUS=b").status, "b");
    EXPECT_EQ(good("STATUS=").status, "");
    EXPECT_EQ(good("STATUS=\xc2\x9b"
                   "2J\xc2\xa0\xc2")
                  .status,
              "??2J\xc2\xa0\xc2");
    EXPECT_EQ(good("STATUS=\x1b[2Jgrün\t\r\x7f").status, "?[2Jgrün???");
    const std::string with_nul("STATUS=a\0b\nREADY=1", 18);
    EXPECT_EQ(good(with_nul).status, "a?b");
    EXPECT_TRUE(good(with_nul).ready);
}

TEST(NotifyMessage, at_most_4_KiB) {
    const std::string status = "STATUS=" + std::string(longest_notify_message - 7, 'x');
    EXPECT_EQ(good(status).status->size(), longest_notify_message - 7);
    EXPECT_FALSE(parse_notify_message(status + "x"));
    const auto many = good(std::string(longest_notify_message, '\n'));
    EXPECT_EQ(many, NotifyMessage{});
}

TEST(NotifyMessage, every_truncation_says_no_more_than_the_whole) {
    const std::string whole =
        "READY=1\nSTATUS=x\nWATCHDOG=trigger\nWATCHDOG_USEC=2000000\nERRNO=12\nFDSTORE=1\n";
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const auto part = good(std::string_view(whole).substr(0, size));
        EXPECT_EQ(part.ready, size >= 7) << size;
        EXPECT_EQ(part.watchdog_trigger, size >= whole.find("WATCHDOG_USEC") - 1) << size;
        EXPECT_FALSE(part.watchdog) << size;
        EXPECT_LE(part.bad.size(), 1U) << size;
        if (part.watchdog_time) {
            EXPECT_LE(*part.watchdog_time, seconds(2)) << size;
        }
    }
}

TEST(NotifyMessage, every_byte_anywhere_is_survived) {
    const std::string whole = "READY=1\nSTATUS=x\nWATCHDOG_USEC=20\nERRNO=12";
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (int byte = 0; byte < 256; ++byte) {
            std::string text = whole;
            text[at] = static_cast<char>(byte);
            const auto message = good(text);
            EXPECT_LE(message.bad.size(), 2U);
            if (message.status) {
                for (const char c : *message.status)
                    EXPECT_GE(static_cast<unsigned char>(c), 0x20);
            }
        }
    }
}

}  // namespace
}  // namespace oneloop
