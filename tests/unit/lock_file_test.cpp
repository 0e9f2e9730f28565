// lock_file: who holds it, for how long, and where it refuses to be. Real files, real flock(2).
#include "common/lock_file.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "tests/unit/in_child.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

class LockFileTest : public testing::Test {
  protected:
    LockFile open_lock() { return LockFile::open(path).value(); }

    // What another process gets: "held", "busy" or the error.
    std::string ask_elsewhere() {
        return test::in_child([this]() -> std::string {
            auto lock = LockFile::open(path);
            if (!lock) return lock.error().what;
            const auto held = lock->try_lock();
            if (!held) return held.error().what;
            return *held ? "held" : "busy";
        });
    }

    test::TempDir dir;
    const std::string path = dir / "worker.lock";
};

TEST_F(LockFileTest, is_made_private_and_close_on_exec) {
    const auto lock = open_lock();
    struct stat info {};
    ASSERT_EQ(::fstat(lock.fd(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600U);
    EXPECT_EQ(::fcntl(lock.fd(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(lock.path(), path);
    EXPECT_TRUE(lock.is_current());
}

TEST_F(LockFileTest, keeps_what_is_there) {
    test::write_file(path, "pid=7\n");
    EXPECT_EQ(open_lock().read().pid, 7);
}

TEST_F(LockFileTest, is_exclusive_between_two_descriptions) {
    auto first = open_lock();
    auto second = open_lock();
    EXPECT_EQ(first.try_lock(), Result<bool>(true));
    EXPECT_EQ(second.try_lock(), Result<bool>(false));
    EXPECT_EQ(ask_elsewhere(), "busy");
    EXPECT_EQ(first.try_lock(), Result<bool>(true)) << "again: it is ours already";
}

TEST_F(LockFileTest, ends_with_its_last_close) {
    {
        auto lock = open_lock();
        ASSERT_EQ(lock.try_lock(), Result<bool>(true));
        const UniqueFd copy(::dup(lock.fd()));
        lock = open_lock();
        EXPECT_EQ(ask_elsewhere(), "busy") << "the copy still has it";
    }
    EXPECT_EQ(ask_elsewhere(), "held");
}

TEST_F(LockFileTest, is_inherited_through_fork_and_kept_until_the_last_close) {
    int hold[2];
    ASSERT_EQ(::pipe(hold), 0);
    std::optional<LockFile> lock = open_lock();
    ASSERT_EQ(lock->try_lock(), Result<bool>(true));
    test::Child heir([&]() -> std::string {
        ::close(hold[1]);
        const auto held = lock->try_lock();  // the same description
        char byte;
        if (::read(hold[0], &byte, 1) != 0) return "read";
        return held && *held ? "mine" : "not mine";
    });
    lock.reset();
    EXPECT_EQ(ask_elsewhere(), "busy") << "the child still has it";
    ::close(hold[1]);
    EXPECT_EQ(heir.text(), "mine");
    EXPECT_EQ(ask_elsewhere(), "held");
    ::close(hold[0]);
}

TEST_F(LockFileTest, a_killed_holder_holds_nothing) {
    int hold[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, hold), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        auto lock = LockFile::open(path);
        char byte = lock && lock->try_lock().value_or(false) ? 'y' : 'n';
        if (::write(hold[1], &byte, 1) == 1) (void)!::read(hold[1], &byte, 1);
        ::_exit(0);
    }
    char byte = 0;
    ASSERT_EQ(::read(hold[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'y');
    EXPECT_EQ(ask_elsewhere(), "busy");
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    EXPECT_EQ(ask_elsewhere(), "held");
    ::close(hold[0]);
    ::close(hold[1]);
}

TEST_F(LockFileTest, an_unlinked_file_is_noticed) {
    auto lock = open_lock();
    ASSERT_EQ(lock.try_lock(), Result<bool>(true));
    ASSERT_EQ(::unlink(path.c_str()), 0);
    EXPECT_FALSE(lock.is_current());
    const auto again = lock.try_lock();
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().code, ESTALE);
}

TEST_F(LockFileTest, a_recreated_file_is_noticed) {
    auto old = open_lock();
    ASSERT_EQ(::unlink(path.c_str()), 0);
    auto fresh = open_lock();
    EXPECT_EQ(fresh.try_lock(), Result<bool>(true)) << "another inode";
    EXPECT_FALSE(old.is_current());
    EXPECT_TRUE(fresh.is_current());
    const auto ghost = old.try_lock();
    ASSERT_FALSE(ghost.has_value());
    EXPECT_EQ(ghost.error().code, ESTALE);
}

TEST_F(LockFileTest, a_renamed_over_file_is_noticed) {
    const auto lock = open_lock();
    test::write_file(dir / "other", "");
    ASSERT_EQ(::rename((dir / "other").c_str(), path.c_str()), 0);
    EXPECT_FALSE(lock.is_current());
}

TEST_F(LockFileTest, a_symbolic_link_in_its_place_is_noticed) {
    const auto lock = open_lock();
    ASSERT_EQ(::rename(path.c_str(), (dir / "moved").c_str()), 0);
    ASSERT_EQ(::symlink("moved", path.c_str()), 0);
    EXPECT_FALSE(lock.is_current()) << "the link leads to our inode, but may be turned elsewhere";
}

TEST_F(LockFileTest, a_symbolic_link_is_refused) {
    test::write_file(dir / "target", "");
    for (const char* target : {"target", "nothing"}) {
        ASSERT_EQ(::symlink(target, path.c_str()), 0);
        const auto lock = LockFile::open(path);
        ASSERT_FALSE(lock.has_value());
        EXPECT_EQ(lock.error().code, ELOOP);
        EXPECT_NE(lock.error().what.find("symbolic link"), std::string::npos);
        ASSERT_EQ(::unlink(path.c_str()), 0);
    }
    EXPECT_FALSE(std::filesystem::exists(dir / "nothing"));
}

TEST_F(LockFileTest, what_is_no_regular_file_is_refused) {
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_EQ(LockFile::open(path).error().code, EINVAL);
    ASSERT_EQ(::unlink(path.c_str()), 0);
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    EXPECT_EQ(LockFile::open(path).error().code, EISDIR);
}

TEST_F(LockFileTest, every_mode_of_the_directory) {
    for (mode_t mode = 0700; mode <= 0777; ++mode) {
        ASSERT_EQ(::chmod(dir.path().c_str(), mode), 0);
        const auto lock = LockFile::open(path);
        const bool others_write = mode & (S_IWGRP | S_IWOTH);
        EXPECT_EQ(lock.has_value(), !others_write) << std::oct << mode;
        if (!lock) {
            EXPECT_EQ(lock.error().code, EPERM);
        }
    }
    ASSERT_EQ(::chmod(dir.path().c_str(), 01777), 0);
    EXPECT_FALSE(LockFile::open(path).has_value())
        << "sticky is not enough: it may be created first";
}

TEST_F(LockFileTest, a_directory_of_somebody_else_is_refused) {
    std::string foreign = "/";
    if (::geteuid() == 0) {
        foreign = dir.path();
        ASSERT_EQ(::chown(foreign.c_str(), 12345, 12345), 0);
    }
    const auto lock = LockFile::open(foreign + "/worker.lock");
    ASSERT_FALSE(lock.has_value());
    EXPECT_EQ(lock.error().code, EPERM);
    EXPECT_NE(lock.error().what.find("belongs to uid"), std::string::npos) << lock.error().what;
}

TEST_F(LockFileTest, a_missing_directory_is_named) {
    const auto lock = LockFile::open(dir / "nothing/worker.lock");
    ASSERT_FALSE(lock.has_value());
    EXPECT_EQ(lock.error().code, ENOENT);
    EXPECT_NE(lock.error().what.find(dir / "nothing"), std::string::npos);
}

TEST_F(LockFileTest, a_file_system_without_local_locks_is_refused) {
    // Ours, regular, writable, and on procfs: only its file system speaks against it.
    const auto lock = LockFile::open("/proc/self/oom_score_adj");
    ASSERT_FALSE(lock.has_value());
    EXPECT_EQ(lock.error().code, EOPNOTSUPP) << lock.error().what;
    EXPECT_NE(lock.error().what.find("0x9fa0"), std::string::npos) << lock.error().what;
    EXPECT_FALSE(LockFile::open("/proc/worker.lock").has_value());
}

TEST_F(LockFileTest, tmpfs_is_a_local_file_system) {
    if (::access("/dev/shm", W_OK) != 0) GTEST_SKIP() << "no /dev/shm";
    const test::TempDir memory("/dev/shm");
    auto lock = LockFile::open(memory / "worker.lock");
    ASSERT_TRUE(lock.has_value()) << lock.error().what;
    EXPECT_EQ(lock->try_lock(), Result<bool>(true));
    ASSERT_EQ(::chmod(memory.path().c_str(), 0777), 0);
    EXPECT_FALSE(LockFile::open(memory / "worker.lock").has_value());
}

}  // namespace
}  // namespace oneloop
