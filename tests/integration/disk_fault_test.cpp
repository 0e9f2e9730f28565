// The disk below the state directory is full, or can't be written to any more. Refused with the
// reason at the start; later no worker without a number that grows, and as soon as there is space
// it goes on by itself.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "tests/support/frozen_disk.h"
#include "tests/support/private_mounts.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class DiskFault : public SupervisorFixture, public testing::WithParamInterface<const char*> {
  protected:
    DiskFault() { isolation = GetParam(); }
    void SetUp() override {
        if (const std::string problem = private_mounts(); !problem.empty()) {
            GTEST_SKIP() << problem;
        }
        ::mkdir(state.c_str(), 0700);
    }
    void TearDown() override { ::umount2(state.c_str(), MNT_DETACH); }

    // A tmpfs(5) of so many pages as the state directory. Each small file takes one.
    void mount_pages(int pages) const { mount_with(0, "size=" + std::to_string(4 * pages) + "k"); }
    void change_pages(int pages) const {
        mount_with(MS_REMOUNT, "size=" + std::to_string(4 * pages) + "k");
    }
    void mount_with(unsigned long flags, const std::string& options) const {
        ASSERT_EQ(::mount("none", state.c_str(), "tmpfs", flags, (options + ",mode=700").c_str()),
                  0)
            << std::strerror(errno);
    }

    // Not one byte fits any more.
    void fill() const {
        const UniqueFd file(
            ::open((state + "/fill").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        const std::string page(4096, 'x');
        while (::write(file.get(), page.data(), page.size()) > 0) {
        }
        ASSERT_EQ(errno, ENOSPC);
    }

    void expect_refused(const std::string& reason) const {
        auto supervisor = supervise({"--watch"}, probe());
        EXPECT_EQ(supervisor.wait(seconds(10)), (ExitStatus{exit_unavailable, 0}));
        const std::string text = read_file(console);
        EXPECT_NE(text.find(reason), std::string::npos) << text;
        EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
        EXPECT_EQ(logged("START"), 0);
    }
};

INSTANTIATE_TEST_SUITE_P(Isolation, DiskFault, testing::Values("subreaper", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(DiskFault, AStartOnAFullDiskIsRefused) {
    mount_pages(1);
    fill();
    expect_refused("No space left on device");
}

TEST_P(DiskFault, AStartOnAReadOnlyDiskIsRefused) {
    mount_pages(16);
    mount_with(MS_REMOUNT | MS_RDONLY, "size=64k");
    expect_refused("Read-only file system");
}

TEST_P(DiskFault, WithoutANumberThereIsNoWorkerAndWithSpaceItStarts) {
    const Census census(mark, is_worker);
    mount_pages(3);  // supervisor.lock, the uuid and the directory's name; none for worker.lock
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_until([&] { return said("No space left on device; restarting in ") >= 4; },
                           seconds(30)))
        << read_file(console);
    EXPECT_EQ(said("waiting for a change"), 0) << "no change would cure it";
    EXPECT_EQ(logged("START"), 0);
    EXPECT_EQ(census.most(), 0U);
    change_pages(16);
    ASSERT_TRUE(wait_for_starts(1, seconds(40))) << read_file(console);
    stop(supervisor);
}

// The number has its place already: a disk that fills up later stops nobody.
TEST_P(DiskFault, ADiskThatFillsUpLaterStopsNobody) {
    const Census census(mark, is_worker);
    mount_pages(16);
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    fill();
    for (int round = 2; round <= 5; ++round) {
        write_file(source, std::to_string(round));
        ASSERT_TRUE(wait_for_starts(round)) << read_file(console);
    }
    EXPECT_EQ(logged("generation=5 "), 1) << read_file(log);
    stop(supervisor);
    auto next = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(6)) << read_file(console);
    EXPECT_EQ(logged("generation=6 "), 1) << read_file(log);
    stop(next);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).generations_grow());
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

// What ext4 does to itself after an error of the disk.
TEST_P(DiskFault, ADiskThatTurnsReadOnlyStopsTheNextWorkerAndNotThisOne) {
    const FrozenDisk disk(dir.path());
    if (!disk.problem().empty()) GTEST_SKIP() << disk.problem();
    state = disk.file("state");
    const Census census(mark, is_worker);
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    const std::string place = disk.file("");
    ASSERT_EQ(::mount(nullptr, place.c_str(), nullptr, MS_REMOUNT, "abort"), 0)
        << std::strerror(errno);
    EXPECT_EQ(living(mark, is_worker).size(), 1U) << "the one that runs may go on";
    write_file(source, "2");
    ASSERT_TRUE(wait_until([&] { return said("; restarting in ") >= 2; }, seconds(20)))
        << read_file(console);
    EXPECT_GE(said("not started: "), 2) << read_file(console);
    EXPECT_GE(said("worker.lock: "), 2) << read_file(console);
    EXPECT_EQ(logged("START"), 1);
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
}

}  // namespace
}  // namespace oneloop::test
