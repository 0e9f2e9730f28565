// keys: every key, and what is none.
#include "supervisor/keys.h"

#include <gtest/gtest.h>

namespace oneloop {
namespace {

TEST(Keys, each_one_also_with_blanks_around_it) {
    const std::pair<const char*, Key> table[] = {{"rs", Key::restart},
                                                 {"q", Key::quit},
                                                 {"p", Key::pause},
                                                 {"s", Key::status},
                                                 {"?", Key::help}};
    for (const auto& [line, key] : table) {
        EXPECT_EQ(parse_key(line), key);
        EXPECT_EQ(parse_key(std::string(" \t") + line + " \r"), key);
        EXPECT_NE(key_help().find(line), std::string::npos);
    }
}

TEST(Keys, anything_else_is_none) {
    for (const char* line : {"", " ", "r", "rss", "r s", "Q", "quit", "rs rs", "??"})
        EXPECT_EQ(parse_key(line), std::nullopt) << line;
}

}  // namespace
}  // namespace oneloop
