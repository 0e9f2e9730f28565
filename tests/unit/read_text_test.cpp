#include "common/read_text.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/temp_dir.h"

namespace oneloop::test {
namespace {

TEST(ReadText, is_the_whole_file_whatever_is_in_it) {
    const TempDir dir;
    std::string text(100'000, 'x');
    text[5] = '\0';
    write_file(dir.path() + "/" + "large", text);
    EXPECT_EQ(read_text(dir.path() + "/" + "large"), text);
    EXPECT_FALSE(read_text("/proc/self/status").empty()) << "its size is 0";
}

TEST(ReadText, is_empty_where_there_is_nothing_to_read) {
    const TempDir dir;
    EXPECT_EQ(read_text(dir.path() + "/" + "missing"), "");
    EXPECT_EQ(read_text(dir.path()), "");
}

// So it is when a process ends between open(2) and read(2). A stream's buffer throws here.
TEST(ReadText, is_empty_where_a_read_fails) {
    EXPECT_EQ(::access("/proc/self/mem", R_OK), 0);
    EXPECT_EQ(read_text("/proc/self/mem"), "");
}

}  // namespace
}  // namespace oneloop::test
