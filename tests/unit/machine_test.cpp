// What is read off the machine's own words.
#include "supervisor/machine.h"

#include <gtest/gtest.h>

namespace oneloop {
namespace {

TEST(Kernel, IsNewEnoughFromFiveTenOn) {
    for (const char* release : {"5.10", "5.10.0-28-amd64", "5.15.153.1-microsoft", "6.1.0", "10.0"})
        EXPECT_TRUE(is_new_enough(release)) << release;
    for (const char* release : {"5.9.16", "4.19.0-26-amd64", "3.10.0-1160.el7", "5", "", "new"})
        EXPECT_FALSE(is_new_enough(release)) << release;
}

TEST(Proc, HidesProcessesByItsMountOptions) {
    const std::string root = "/dev/vda1 / ext4 rw,hidepid=2 0 0\n";
    EXPECT_FALSE(hides_processes(root));
    EXPECT_FALSE(hides_processes(root + "proc /proc proc rw,nosuid,relatime 0 0\n"));
    EXPECT_FALSE(hides_processes("proc /proc proc rw,hidepid=0 0 0\n"));
    EXPECT_FALSE(hides_processes("proc /proc proc rw,hidepid=off 0 0\n"));
    EXPECT_TRUE(hides_processes("proc /proc proc rw,hidepid=1 0 0\n"));
    EXPECT_TRUE(hides_processes("proc /proc proc rw,relatime,hidepid=invisible 0 0\n"));
    EXPECT_FALSE(hides_processes("proc /proc proc rw,hidepid=2 0 0\nproc /proc proc rw 0 0\n"));
    EXPECT_FALSE(hides_processes("proc /jail/proc proc rw,hidepid=2 0 0\n"));
}

TEST(Machine, IsAsGoodAsItsWorstLine) {
    std::vector<MachineLine> lines;
    EXPECT_EQ(worst(lines), Standing::holds);
    lines.push_back({"I2", Standing::weaker, "", "", ""});
    EXPECT_EQ(worst(lines), Standing::weaker);
    lines.insert(lines.begin(), {"I1", Standing::missing, "", "", ""});
    EXPECT_EQ(worst(lines), Standing::missing);
}

}  // namespace
}  // namespace oneloop
