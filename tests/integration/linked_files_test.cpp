// Links to files, and roots that are named by a link: what is written at the other end is told.
#include <unistd.h>

#include "tests/support/watch_fixture.h"

namespace oneloop::test {
namespace {

class LinkedFilesTest : public Watch {
  protected:
    LinkedFilesTest() {
        fs::create_directories(outside);
        write_file(outside + "/shared.py", "1");
        fs::create_symlink("../outside/shared.py", root + "/shared.py");
        fs::create_symlink("../main.py", root + "/app/main_link.py");
    }
    // What a comparison of everything still finds.
    Paths left_over() {
        written.clear();
        watcher->compare_soon();
        io.restart();
        io.run_for(std::chrono::milliseconds(200));
        return written;
    }
    std::string outside = dir.file("outside");
};

TEST_F(LinkedFilesTest, OneOutsideIsToldHoweverItIsSaved) {
    arm({root});
    write_file(outside + "/shared.py", "22");
    look();
    EXPECT_EQ(written, Paths{"shared.py"}) << "written in place";
    write_file(outside + "/new", "333");
    fs::rename(outside + "/new", outside + "/shared.py");
    look();
    EXPECT_EQ(written, Paths{"shared.py"}) << "renamed over";
    write_file(outside + "/shared.py", "333");
    look();
    EXPECT_EQ(written, Paths{});
    EXPECT_EQ(unchanged, Paths{"shared.py"});
    fs::remove(outside + "/shared.py");
    look();
    EXPECT_EQ(removed, Paths{"shared.py"});
    write_file(outside + "/shared.py", "4444");
    look();
    EXPECT_EQ(written, Paths{"shared.py"}) << "deleted and made again";
    EXPECT_EQ(left_over(), Paths{});
}

TEST_F(LinkedFilesTest, OneInTheTreeIsToldWithItsTargetAndNotOnceMoreLater) {
    arm({root});
    write_file(root + "/main.py", "22");
    look();
    EXPECT_EQ(written, (Paths{"main.py", "app/main_link.py"}));
    EXPECT_EQ(left_over(), Paths{});
}

TEST_F(LinkedFilesTest, OneThatIsMadeReplacedOrRemovedWhileItIsWatched) {
    arm({root});
    write_file(outside + "/other.py", "other");
    fs::create_symlink("../outside/other.py", root + "/next");
    fs::rename(root + "/next", root + "/shared.py");
    look();
    EXPECT_TRUE(written.contains("shared.py"));
    write_file(outside + "/shared.py", "nobody reads this");
    look();
    EXPECT_EQ(written, Paths{});
    write_file(outside + "/other.py", "read");
    look();
    EXPECT_EQ(written, Paths{"shared.py"});
    fs::remove(root + "/shared.py");
    look();
    EXPECT_EQ(removed, Paths{"shared.py"});
    write_file(outside + "/other.py", "no longer");
    look();
    EXPECT_EQ(written, Paths{});
}

TEST_F(LinkedFilesTest, WhatIsIgnoredIsNotTold) {
    arm({root}, {}, {"shared.py"});
    write_file(outside + "/shared.py", "22");
    look();
    EXPECT_EQ(written, Paths{});
}

TEST_F(LinkedFilesTest, ANeighbourOfTheTargetIsNobodysBusiness) {
    arm({root});
    write_file(outside + "/neighbour.py", "1");
    look();
    EXPECT_EQ(written, Paths{});
    EXPECT_EQ(unchanged, Paths{});
}

TEST_F(LinkedFilesTest, ADirectoryThatIsForgottenKeepsTheWatchThatALinkNeeds) {
    fs::create_directories(root + "/sub");
    write_file(root + "/sub/target.py", "1");
    fs::create_symlink("sub/target.py", root + "/to_sub.py");
    arm({root});
    fs::rename(root + "/sub", outside + "/sub");
    fs::remove(root + "/to_sub.py");
    fs::create_symlink("../outside/sub/target.py", root + "/to_sub.py");
    look();
    write_file(outside + "/sub/target.py", "22");
    look();
    EXPECT_EQ(written, Paths{"to_sub.py"});
}

TEST_F(LinkedFilesTest, ALinkToADeviceCostsNothing) {
    fs::create_symlink("/dev/null", root + "/null.py");
    arm({root});
    write_file("/dev/null", "x");
    look();
    EXPECT_EQ(written, Paths{});
    EXPECT_EQ(unchanged, Paths{});
}

TEST_F(LinkedFilesTest, OneThatLeadsNowhereIsNewsWhenItLeadsSomewhere) {
    fs::create_symlink("../outside/later.py", root + "/later.py");
    fs::create_symlink("loop.py", root + "/loop.py");
    arm({root});
    write_file(outside + "/later.py", "1");
    look();
    EXPECT_EQ(written, Paths{"later.py"});
    write_file(outside + "/later.py", "22");
    look();
    EXPECT_EQ(written, Paths{"later.py"});
    fs::remove(outside + "/later.py");
    look();
    (void)left_over();  // what a comparison finds while it is gone must not make us forget it
    write_file(outside + "/later.py", "333");
    look();
    EXPECT_EQ(written, Paths{"later.py"});
}

// As a deployment does: `current` leads to one release, then to the next.
TEST_F(LinkedFilesTest, ARootThatIsALinkIsWatchedWhereItLeadsNow) {
    fs::create_directories(dir.file("v2/app"));
    write_file(dir.file("v2/app/a.py"), "second");
    fs::create_directory_symlink("root", dir.file("current"));
    root = dir.file("current/app");
    arm({root});
    fs::create_directory_symlink("v2", dir.file("next"));
    fs::rename(dir.file("next"), dir.file("current"));
    look();
    EXPECT_TRUE(written.contains("a.py"));
    look();
    write_file(dir.file("v2/app/a.py"), "second, edited");
    look();
    EXPECT_EQ(written, Paths{"a.py"});
    write_file(dir.file("root/app/views/a.py"), "the first, which nothing leads to");
    look();
    EXPECT_EQ(written, Paths{});
}

}  // namespace
}  // namespace oneloop::test
