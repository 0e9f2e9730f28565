// flag: every reason for which a process must not poll, and the one case in which it may.
#include "common/flag.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <set>

#include "tests/unit/environment.h"
#include "tests/unit/in_child.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

constexpr const char* uuid = "01234567-89ab-cdef-0123-456789abcdef";

// A lock as the warden leaves it, and an environment that is all right. Each test breaks one thing.
class ProveWorker : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(lock.try_lock(), Result<bool>(true));
        ASSERT_TRUE(lock.write({4711, 3, 0, uuid, "python3 app.py"}).has_value());
        inherited = ::dup(lock.fd());  // not close-on-exec, as after exec
    }
    void TearDown() override { ::close(inherited); }

    Result<LockFile> prove() {
        const test::ScopedEnv a(flag::run_main, run_main);
        const test::ScopedEnv b(flag::lock_fd, lock_fd ? *lock_fd : std::to_string(inherited));
        const test::ScopedEnv c(flag::instance, instance);
        if (lock_fd_unset) ::unsetenv(flag::lock_fd);
        return flag::prove_worker();
    }
    std::string refusal() {
        const auto proof = prove();
        return proof ? "no refusal" : proof.error().what;
    }

    test::TempDir dir;
    LockFile lock = LockFile::open(dir / flag::worker_lock_name).value();
    int inherited = -1;
    std::optional<std::string> run_main = "true";
    std::optional<std::string> lock_fd;
    bool lock_fd_unset = false;
    std::optional<std::string> instance = uuid;
};

TEST_F(ProveWorker, the_real_worker) {
    const auto proof = prove();
    ASSERT_TRUE(proof.has_value()) << proof.error().what;
    EXPECT_EQ(proof->fd(), inherited);
    EXPECT_EQ(::fcntl(inherited, F_GETFD), FD_CLOEXEC) << "helpers must not keep the lock";
    EXPECT_EQ(proof->read().generation, 3U);
    EXPECT_TRUE(proof->is_current());
}

TEST_F(ProveWorker, the_real_worker_in_a_child_whose_parent_keeps_the_lock) {
    EXPECT_EQ(test::in_child([this] { return prove() ? "proved" : "refused"; }), "proved");
}

TEST_F(ProveWorker, without_the_flag) {
    for (const std::optional<std::string>& value :
         {std::optional<std::string>{}, {""}, {"1"}, {"TRUE"}, {"false"}, {"true "}}) {
        run_main = value;
        EXPECT_EQ(refusal(), "not started by a supervisor (ONELOOP_RUN_MAIN is not set)");
    }
}

TEST_F(ProveWorker, without_a_lock) {
    lock_fd = "";
    EXPECT_EQ(refusal(), "ONELOOP_RUN_MAIN is set, but no lock was handed over");
    lock_fd_unset = true;
    EXPECT_EQ(refusal(), "ONELOOP_RUN_MAIN is set, but no lock was handed over");
}

TEST_F(ProveWorker, with_a_lock_that_is_no_number) {
    for (const char* text : {"x", "3x", "3 ", "-1", "1000001", "99999999999999999999", "3.0"}) {
        lock_fd = text;
        EXPECT_EQ(refusal(), "ONELOOP_LOCK_FD=" + std::string(text) + " is not a descriptor");
    }
}

TEST_F(ProveWorker, with_a_descriptor_that_is_not_open) {
    lock_fd = "999999";
    EXPECT_EQ(refusal(),
              "the lock handed over is not real: descriptor 999999: Bad file descriptor");
}

TEST_F(ProveWorker, with_a_descriptor_of_something_else) {
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    lock_fd = std::to_string(null.get());
    EXPECT_EQ(refusal(),
              "the lock handed over is not real: descriptor " + *lock_fd + ": not a regular file");
}

TEST_F(ProveWorker, with_a_lock_that_was_deleted) {
    ASSERT_EQ(::unlink(lock.path().c_str()), 0);
    EXPECT_EQ(refusal(), "the lock handed over is not real: " + lock.path() +
                             " (deleted): the lock file was deleted or replaced");
}

TEST_F(ProveWorker, with_another_file) {
    test::write_file(dir / "supervisor.lock", "");
    const int fd = ::open((dir / "supervisor.lock").c_str(), O_RDWR);
    lock_fd = std::to_string(fd);
    EXPECT_EQ(refusal(), "the lock handed over is not real: " + (dir / "supervisor.lock") +
                             " is not a worker.lock");
    ::close(fd);
}

TEST_F(ProveWorker, with_a_lock_that_somebody_else_holds) {
    const int fd = ::open(lock.path().c_str(), O_RDWR);  // a description of its own
    lock_fd = std::to_string(fd);
    EXPECT_EQ(refusal(), "the lock handed over is held by another process (pid 4711)");
    ::close(fd);
}

TEST_F(ProveWorker, with_the_lock_of_another_instance) {
    for (const std::optional<std::string>& value :
         {std::optional<std::string>{}, {""}, {"another"}, {std::string(uuid) + "0"}}) {
        instance = value;
        const int fd = ::dup(lock.fd());
        lock_fd = std::to_string(fd);
        EXPECT_EQ(refusal(),
                  "the lock handed over belongs to another instance (" + std::string(uuid) + ")");
        ::close(fd);
    }
}

// A copied ONELOOP_LOCK_FD may name anything, for example a standard output that goes to a file.
TEST_F(ProveWorker, bug_a_refused_descriptor_stays_open) {
    const UniqueFd log(::open((dir / "out.log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    const int fd = ::dup(log.get());
    lock_fd = std::to_string(fd);
    EXPECT_NE(refusal(), "no refusal");
    EXPECT_NE(::fcntl(fd, F_GETFD), -1) << "it was closed, and it was not ours";
    ::close(fd);
}

TEST(Flag, all_names_every_variable_once) {
    const std::set<std::string> expected = {
        flag::run_main,          flag::lock_fd,
        flag::instance,          flag::generation,
        flag::listen_fds,        flag::listen_pid,
        flag::listen_fdnames,    flag::listen_fds_first_fd,
        flag::werkzeug_run_main, flag::werkzeug_server_fd,
        flag::django_run_main,   flag::notify_socket,
        flag::watchdog_usec,     flag::watchdog_pid,
        flag::worker_pid,        flag::events_file,
    };
    std::map<std::string, int> seen;
    for (const char* name : flag::all())
        ++seen[name];
    EXPECT_EQ(seen.size(), expected.size());
    for (const auto& [name, count] : seen) {
        EXPECT_EQ(count, 1) << name;
        EXPECT_TRUE(expected.contains(name)) << name;
    }
}

}  // namespace
}  // namespace oneloop
