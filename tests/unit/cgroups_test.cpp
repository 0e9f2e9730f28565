// cgroups: where a group's directory is, from files as /proc has them; and the kernel's counters.
#include "supervisor/cgroups.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "supervisor/memory_kills.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

class CgroupsTest : public testing::Test {
  protected:
    void write(const std::string& name, const std::string& text) const {
        const auto path = dir.path() + "/" + name;
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        std::ofstream(path) << text;
    }
    test::TempDir dir;
};

TEST_F(CgroupsTest, version_two_alone) {
    write("self/mountinfo", "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n");
    write("4711/cgroup", "0::/user.slice/user-1000.slice/app.scope\n");
    const Cgroups groups(dir.path());
    EXPECT_EQ(groups.directory(4711, ""), "/sys/fs/cgroup/user.slice/user-1000.slice/app.scope");
    EXPECT_EQ(groups.directory(4711, "memory"), "");
    EXPECT_EQ(groups.directory(4712, ""), "") << "no such process";
    EXPECT_EQ(unified_path(dir.path(), 4711), "/user.slice/user-1000.slice/app.scope");
}

TEST_F(CgroupsTest, both_versions_with_spaces_in_the_mount_point) {
    write("self/mountinfo",
          "31 24 0:27 / /sys/fs/c\\040group/memory rw - cgroup cgroup rw,memory,hugetlb\n"
          "32 24 0:28 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 none rw\n");
    write("7/cgroup", "4:hugetlb,memory:/a/b\n1:name=systemd:/x\n0::/\n");
    const Cgroups groups(dir.path());
    EXPECT_EQ(groups.directory(7, "memory"), "/sys/fs/c group/memory/a/b");
    EXPECT_EQ(groups.directory(7, ""), "/sys/fs/cgroup/unified");
    EXPECT_EQ(groups.directory(7, "freezer"), "");
    EXPECT_EQ(groups.mount_point(""), "/sys/fs/cgroup/unified");
}

// A container's mount shows a part of the hierarchy; a cgroup namespace hides what is above.
TEST_F(CgroupsTest, a_part_of_the_hierarchy) {
    write("self/mountinfo", "30 24 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
    write("1/cgroup", "0::/docker/abc/inner\n");
    write("2/cgroup", "0::/../elsewhere\n");
    const Cgroups groups(dir.path());
    EXPECT_EQ(groups.directory(1, ""), "/sys/fs/cgroup/inner");
    EXPECT_EQ(groups.directory(2, ""), "");
}

TEST_F(CgroupsTest, nothing_mounted_nothing_found) {
    const Cgroups groups(dir.path());
    EXPECT_EQ(groups.directory(0, ""), "");
    EXPECT_EQ(groups.mount_point(""), "");
}

TEST(Counter, is_the_number_after_exactly_this_name) {
    const std::string events = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n";
    EXPECT_EQ(counter(events, "oom_kill"), 2U);
    EXPECT_EQ(counter(events, "oom"), 3U);
    EXPECT_EQ(counter("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n", "oom_kill"), 7U);
    EXPECT_EQ(counter(events, "oom_kil"), std::nullopt);
    EXPECT_EQ(counter("oom_kill many\n", "oom_kill"), std::nullopt);
    EXPECT_EQ(counter("", "oom_kill"), std::nullopt);
}

}  // namespace
}  // namespace oneloop
