// poll_rule: which file systems are silent, and how often they are looked at.
#include "supervisor/poll_rule.h"

#include <gtest/gtest.h>
#include <linux/magic.h>

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(PollRule, names_the_file_systems_on_which_others_write) {
    EXPECT_EQ(silent_file_system(V9FS_MAGIC), "9p");
    EXPECT_EQ(silent_file_system(NFS_SUPER_MAGIC), "NFS");
    EXPECT_EQ(silent_file_system(0xFF534D42), "CIFS");
    EXPECT_EQ(silent_file_system(0xFE534D42), "SMB");
    // f_type is a signed word on some machines.
    EXPECT_EQ(silent_file_system(static_cast<std::int32_t>(0xFF534D42)), "CIFS");
    EXPECT_EQ(silent_file_system(0x65735546), "FUSE");
    EXPECT_EQ(silent_file_system(0x53464846), "drvfs");
    EXPECT_EQ(silent_file_system(0x786F4256), "vboxsf");
}

TEST(PollRule, a_local_disk_is_not_silent) {
    for (const std::int64_t type :
         {std::int64_t{EXT4_SUPER_MAGIC}, std::int64_t{XFS_SUPER_MAGIC}, std::int64_t{TMPFS_MAGIC},
          std::int64_t{BTRFS_SUPER_MAGIC}, std::int64_t{OVERLAYFS_SUPER_MAGIC}, std::int64_t{0}}) {
        EXPECT_EQ(silent_file_system(type), std::nullopt) << type;
    }
}

TEST(PollRule, a_long_pass_is_followed_by_a_long_rest) {
    EXPECT_EQ(until_next_pass(milliseconds(500), milliseconds(3)), milliseconds(500));
    EXPECT_EQ(until_next_pass(milliseconds(500), milliseconds(50)), milliseconds(500));
    EXPECT_EQ(until_next_pass(milliseconds(500), milliseconds(400)), seconds(4));
}

TEST(PollRule, the_limit_that_is_suggested_is_more_than_there_is) {
    EXPECT_EQ(enough_watches(0), 524288U);
    EXPECT_EQ(enough_watches(8192), 524288U);
    EXPECT_EQ(enough_watches(524288), 1048576U);
    EXPECT_EQ(enough_instances(0), 1024U);
    EXPECT_EQ(enough_instances(128), 1024U);
    EXPECT_EQ(enough_instances(1024), 2048U);
}

}  // namespace
}  // namespace oneloop
