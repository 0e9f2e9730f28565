// The token: made once, kept, and refused when others may read it.
#include "worker/token_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>
#include <vector>

#include "common/read_text.h"
#include "tests/support/process.h"

namespace oneloop::worker {
namespace {

using testing::HasSubstr;

TEST(TokenFile, IsMadeOnceAndIsItsOwnersAlone) {
    const test::TempDir dir;
    const std::string path = token_path(dir.file("s.db"));
    const auto first = load_token(path);
    ASSERT_TRUE(first) << first.error().what;
    EXPECT_EQ(first->size(), 64U);
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600U);
    EXPECT_EQ(load_token(path), first);
    EXPECT_NE(load_token(dir.file("other")), first);
}

TEST(TokenFile, WhoeverIsFirstAllHaveTheSame) {
    const test::TempDir dir;
    std::vector<std::string> tokens(16);
    std::vector<std::thread> threads;
    for (auto& token : tokens)
        threads.emplace_back([&] { token = load_token(dir.file("t")).value_or("none"); });
    for (auto& thread : threads)
        thread.join();
    for (const auto& token : tokens)
        EXPECT_EQ(token, tokens[0]);
    EXPECT_EQ(tokens[0].size(), 64U);
}

TEST(TokenFile, OthersMayNotReadIt) {
    const test::TempDir dir;
    const std::string path = dir.file("t");
    ASSERT_TRUE(load_token(path));
    for (const unsigned mode : {0640U, 0604U, 0620U, 0601U}) {
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        const auto refused = load_token(path);
        ASSERT_FALSE(refused);
        EXPECT_THAT(refused.error().what, HasSubstr("chmod 600"));
    }
}

TEST(TokenFile, WhatIsNoTokenIsRefusedAndLeft) {
    const test::TempDir dir;
    const std::string path = dir.file("t");
    for (const char* text : {"", "short", "with a blank in it, long enough"}) {
        test::write_file(path, text);
        ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
        EXPECT_FALSE(load_token(path)) << text;
        EXPECT_EQ(read_text(path), text);
    }
    test::write_file(path, "my-own-secret-token\r\n");
    EXPECT_EQ(load_token(path), "my-own-secret-token");
    ASSERT_EQ(::symlink(path.c_str(), dir.file("link").c_str()), 0);
    EXPECT_FALSE(load_token(dir.file("link")));
    EXPECT_FALSE(load_token(dir.path()));
}

}  // namespace
}  // namespace oneloop::worker
