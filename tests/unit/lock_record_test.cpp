// lock_file: taking over an inherited descriptor, what the holder wrote, and the directory.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "common/lock_file.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

class LockAdopt : public testing::Test {
  protected:
    test::TempDir dir;
    const std::string path = dir / "worker.lock";
};

TEST_F(LockAdopt, a_lock_by_its_descriptor) {
    auto opened = LockFile::open(path).value();
    ASSERT_EQ(opened.try_lock(), Result<bool>(true));
    auto adopted = LockFile::adopt(::dup(opened.fd()));
    ASSERT_TRUE(adopted.has_value()) << adopted.error().what;
    EXPECT_EQ(adopted->path(), path);
    EXPECT_EQ(adopted->try_lock(), Result<bool>(true)) << "the same description";
}

TEST_F(LockAdopt, what_is_not_open) {
    for (const int fd : {-1, 999'999, 1'000'000}) {
        const auto lock = LockFile::adopt(fd);
        ASSERT_FALSE(lock.has_value()) << fd;
        EXPECT_EQ(lock.error().code, EBADF);
        EXPECT_NE(lock.error().what.find(std::to_string(fd)), std::string::npos);
    }
}

TEST_F(LockAdopt, what_is_no_regular_file) {
    int ends[2];
    int sockets[2];
    ASSERT_EQ(::pipe(ends), 0);
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const UniqueFd directory(::open(dir.path().c_str(), O_RDONLY | O_CLOEXEC));
    for (const int fd : {ends[0], ends[1], sockets[0], null.get(), directory.get()}) {
        EXPECT_EQ(LockFile::adopt(fd).error().code, EINVAL);
        EXPECT_NE(::fcntl(fd, F_GETFD), -1) << "it was not ours to close";
    }
    for (const int fd : {ends[0], ends[1], sockets[0], sockets[1]})
        ::close(fd);
}

TEST_F(LockAdopt, a_deleted_and_a_replaced_file) {
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::unlink(path.c_str()), 0);
    EXPECT_EQ(LockFile::adopt(fd.get()).error().code, ESTALE);
    test::write_file(path, "");
    EXPECT_EQ(LockFile::adopt(fd.get()).error().code, ESTALE);
    // What the kernel calls a deleted file may exist.
    test::write_file(path + " (deleted)", "");
    EXPECT_EQ(LockFile::adopt(fd.get()).error().code, ESTALE);
    EXPECT_NE(::fcntl(fd.get(), F_GETFD), -1);
}

TEST_F(LockAdopt, a_renamed_file_goes_by_its_new_name) {
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::rename(path.c_str(), (dir / "other").c_str()), 0);
    const auto lock = LockFile::adopt(::dup(fd.get()));
    ASSERT_TRUE(lock.has_value());
    EXPECT_EQ(lock->path(), dir / "other");
}

LockRecord sample() {
    return {4711, 12, 1'700'000'000, "01234567-89ab-cdef-0123-456789abcdef", "python3 app.py"};
}

TEST(LockRecord, is_lines_for_people) {
    EXPECT_EQ(format_record(sample()),
              "pid=4711\ngeneration=12\nsince=1700000000\n"
              "instance=01234567-89ab-cdef-0123-456789abcdef\ncommand=python3 app.py\n");
}

TEST(LockRecord, round_trips) {
    LockRecord extreme{INT_MAX, UINT64_MAX, INT64_MAX, "id", "a=b --x=y = =c=\t\"quoted\" 영화"};
    for (const auto& record : {LockRecord{}, sample(), extreme})
        EXPECT_EQ(parse_record(format_record(record)), record);
}

TEST(LockRecord, a_newline_cannot_make_a_line) {
    LockRecord record = sample();
    record.command = "sh -c '\npid=1\ngeneration=99\n'";
    record.instance = "x\npid=2";
    const auto read = parse_record(format_record(record));
    EXPECT_EQ(read.pid, 4711);
    EXPECT_EQ(read.generation, 12U);
    EXPECT_EQ(read.instance, "x pid=2");
    EXPECT_EQ(read.command, "sh -c ' pid=1 generation=99 '");
}

TEST(LockRecord, broken_lines_are_skipped) {
    const auto read = parse_record(
        "\n\n=\nnonsense\n=5\ncolour=red\npid\npid=abc\ngeneration=\nsince=1x\npid=5\ninstance=");
    EXPECT_EQ(read.pid, 5);
    EXPECT_EQ(read.generation, 0U);
    EXPECT_EQ(read.since, 1);
    EXPECT_EQ(parse_record(""), LockRecord{});
    EXPECT_EQ(parse_record(std::string(5000, '\0')), LockRecord{});
    EXPECT_EQ(parse_record("pid=99999999999999999999999\n").pid, 0);
}

TEST(LockRecord, every_truncation_is_read_without_harm) {
    const std::string text = format_record(sample());
    for (std::size_t length = 0; length <= text.size(); ++length) {
        const auto read = parse_record(text.substr(0, length));
        EXPECT_LE(read.pid, 4711);
        EXPECT_LE(read.generation, 12U);
    }
}

class LockWrite : public testing::Test {
  protected:
    test::TempDir dir;
    LockFile lock = LockFile::open(dir / "worker.lock").value();
};

TEST_F(LockWrite, an_empty_file_has_an_empty_record) {
    EXPECT_EQ(lock.read(), LockRecord{});
}

TEST_F(LockWrite, longer_then_shorter_leaves_nothing_behind) {
    for (const std::size_t length : {10U, 900U, 0U, 500U, 1U}) {
        LockRecord record = sample();
        record.command = std::string(length, 'c');
        ASSERT_TRUE(lock.write(record).has_value());
        EXPECT_EQ(lock.read(), record);
        EXPECT_EQ(test::read_file(lock.path()), format_record(record));
    }
}

TEST_F(LockWrite, a_long_command_is_cut_after_a_kibibyte) {
    for (const std::size_t length : {1023U, 1024U, 1025U, 100'000U}) {
        LockRecord record = sample();
        record.command = std::string(length, 'c');
        ASSERT_TRUE(lock.write(record).has_value());
        record.command.resize(std::min<std::size_t>(length, 1024));
        EXPECT_EQ(lock.read(), record) << length;
    }
}

TEST_F(LockWrite, through_a_second_descriptor) {
    ASSERT_TRUE(lock.write(sample()).has_value());
    EXPECT_EQ(LockFile::open(lock.path()).value().read(), sample());
}

// A reader between write and shrink sees the new lines and the tail of the old ones.
TEST_F(LockWrite, new_lines_win_over_what_is_left_of_old_ones) {
    LockRecord old = sample();
    old.command = std::string(500, 'o');
    LockRecord fresh{1, 13, 1, "new", "new"};
    const std::string head = format_record(fresh);
    for (std::size_t skip = 0; skip < 60; ++skip) {
        old.command.insert(0, 1, 'x');
        const std::string text = head + format_record(old).substr(head.size());
        EXPECT_EQ(parse_record(text), fresh);
    }
    EXPECT_EQ(parse_record(head + format_record(sample())), fresh);
}

TEST(MakePrivateDirectory, makes_what_is_missing_with_0700) {
    const test::TempDir dir;
    ASSERT_TRUE(make_private_directory(dir / "a/b/c").has_value());
    for (const char* part : {"a", "a/b", "a/b/c"}) {
        struct stat info {};
        ASSERT_EQ(::stat((dir / part).c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 07777, 0700U) << part;
    }
    EXPECT_TRUE(make_private_directory(dir / "a/b/c").has_value()) << "again";
    EXPECT_TRUE(make_private_directory(dir / "a//b/d/").has_value());
    EXPECT_TRUE(make_private_directory("/").has_value());
}

TEST(MakePrivateDirectory, leaves_what_is_there_alone) {
    const test::TempDir dir;
    ASSERT_EQ(::mkdir((dir / "open").c_str(), 0700), 0);
    ASSERT_EQ(::chmod((dir / "open").c_str(), 0755), 0);
    ASSERT_TRUE(make_private_directory(dir / "open/new").has_value());
    struct stat info {};
    ASSERT_EQ(::stat((dir / "open").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0755U);
}

TEST(MakePrivateDirectory, a_file_in_the_way_is_named) {
    const test::TempDir dir;
    test::write_file(dir / "file", "");
    const auto on = make_private_directory(dir / "file");
    ASSERT_FALSE(on.has_value());
    EXPECT_EQ(on.error().code, ENOTDIR);
    const auto below = make_private_directory(dir / "file/below");
    ASSERT_FALSE(below.has_value());
    EXPECT_EQ(below.error().code, ENOTDIR);
    EXPECT_NE(below.error().what.find(dir / "file/below"), std::string::npos);
    EXPECT_FALSE(make_private_directory("").has_value());
}

}  // namespace
}  // namespace oneloop
