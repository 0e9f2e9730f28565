// duration: what people write, and what is read back.
#include "common/duration.h"

#include <gtest/gtest.h>

#include <string>

namespace oneloop {
namespace {

using std::chrono::milliseconds;

TEST(Duration, good_texts) {
    struct Row {
        const char* text;
        std::int64_t ms;
    };
    const Row table[] = {
        {"0", 0},
        {"0s", 0},
        {"0ms", 0},
        {"500ms", 500},
        {"10s", 10'000},
        {"5min", 300'000},
        {"5m", 300'000},
        {"2h", 7'200'000},
        {"1.5s", 1500},
        {"0.12s", 120},
        {".5s", 500},
        {"0.5ms", 1},
        {"0.4ms", 0},
        {"007s", 7000},
        {"1.5min", 90'000},
        {"0.25h", 900'000},
        {"277777h", 999'997'200'000},
        {"1000000000000ms", 1'000'000'000'000},
    };
    for (const auto& row : table) {
        const auto parsed = parse_duration(row.text);
        ASSERT_TRUE(parsed.has_value()) << row.text;
        EXPECT_EQ(parsed->count(), row.ms) << row.text;
    }
}

TEST(Duration, bad_texts_are_refused_with_a_reason) {
    struct Row {
        const char* text;
        const char* why;
    };
    const Row table[] = {
        {"", "no number"},
        {"s", "no number"},
        {"ms", "no number"},
        {" 5s", "no number"},
        {"+5s", "no number"},
        {"five", "no number"},
        {"10", "unit is missing"},
        {"1.5", "unit is missing"},
        {"00", "unit is missing"},
        {"10 s", "unit is unknown"},
        {"10s ", "unit is unknown"},
        {"10S", "unit is unknown"},
        {"10sec", "unit is unknown"},
        {"10us", "unit is unknown"},
        {"10d", "unit is unknown"},
        {"1e3s", "unit is unknown"},
        {"1,5s", "unit is unknown"},
        {"0x10s", "unit is unknown"},
        {"1min30s", "unit is unknown"},
        {"-1s", "negative"},
        {"-0.001ms", "negative"},
        {"277778h", "too long"},
        {"99999999999999999999s", "too long"},
        {"infs", "too long"},
    };
    for (const auto& row : table) {
        const auto parsed = parse_duration(row.text);
        ASSERT_FALSE(parsed.has_value()) << row.text;
        EXPECT_NE(parsed.error().what.find(row.why), std::string::npos) << parsed.error().what;
        EXPECT_EQ(parsed.error().what.compare(1, std::string(row.text).size(), row.text), 0);
        EXPECT_NE(parsed.error().what.find("write 500ms, 10s, 5min or 2h"), std::string::npos);
    }
}

TEST(Duration, words_that_a_number_parser_knows_are_no_durations) {
    for (const char* text : {"nan", "nans", "nanms", "inf", "infinity", "infinityh", "-infs"})
        EXPECT_FALSE(parse_duration(text).has_value()) << text;
}

TEST(Duration, a_text_with_a_nul_inside_is_refused) {
    EXPECT_FALSE(parse_duration(std::string_view("10s\0", 4)).has_value());
    EXPECT_FALSE(parse_duration(std::string_view("\0"
                                                 "10s",
                                                 4))
                     .has_value());
}

TEST(Duration, shortest_forms) {
    struct Row {
        std::int64_t ms;
        const char* text;
    };
    const Row table[] = {
        {0, "0ms"},           {1, "1ms"},        {999, "999ms"},      {1000, "1s"},
        {1500, "1.5s"},       {1001, "1.001s"},  {59'999, "59.999s"}, {60'000, "1min"},
        {61'000, "61s"},      {90'000, "90s"},   {120'000, "2min"},   {3'600'000, "1h"},
        {5'400'000, "90min"}, {7'200'000, "2h"},
    };
    for (const auto& row : table)
        EXPECT_EQ(format_duration(milliseconds(row.ms)), row.text);
}

TEST(Duration, what_is_written_is_read_back) {
    const auto round_trip = [](std::int64_t ms) {
        const auto parsed = parse_duration(format_duration(milliseconds(ms)));
        ASSERT_TRUE(parsed.has_value()) << format_duration(milliseconds(ms));
        ASSERT_EQ(parsed->count(), ms) << format_duration(milliseconds(ms));
    };
    for (std::int64_t ms = 0; ms <= 200'000; ++ms)
        round_trip(ms);
    for (std::int64_t ms = 1; ms < 1'000'000'000'000; ms = ms * 3 + 1) {
        round_trip(ms);
        round_trip(ms / 1000 * 1000);
        round_trip(ms / 60'000 * 60'000);
    }
}

}  // namespace
}  // namespace oneloop
