// The watcher when its roots come and go, when no event tells, and under the rules of a work tree.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "common/unique_fd.h"
#include "tests/support/watch_fixture.h"

namespace oneloop::test {
namespace {

TEST_F(Watch, ARootThatIsDeletedAndMadeAgainIsWatchedAgain) {
    arm({root});
    for (int round = 0; round < 3; ++round) {
        warnings.clear();
        fs::remove_all(root);
        look();
        ASSERT_FALSE(warnings.empty());
        EXPECT_NE(warnings.front().find(root + " is gone"), std::string::npos) << warnings.front();
        fs::create_directories(root + "/deep");
        write_file(root + "/deep/a.py", "made with it");
        look();
        EXPECT_TRUE(written.contains("deep/a.py"));
        write_file(root + "/deep/a.py", "2");
        look();
        EXPECT_EQ(written, Paths{"deep/a.py"}) << round;
    }
}

TEST_F(Watch, ARootWhoseParentIsGoneTooIsWaitedFor) {
    fs::create_directories(root + "/a/b/c");
    arm({root + "/a/b/c"});
    fs::remove_all(root + "/a");
    look();
    for (const char* name : {"/a", "/a/b", "/a/b/c"}) {
        fs::create_directory(root + name);
        look();
    }
    write_file(root + "/a/b/c/x.py", "1");
    look();
    EXPECT_EQ(written, Paths{"a/b/c/x.py"});
}

TEST_F(Watch, ARootThatIsMovedAwayAndReplacedIsTheNewOne) {
    arm({root});
    fs::rename(root, dir.file("old"));
    look();
    fs::create_directories(root);
    look();
    write_file(dir.file("old") + "/main.py", "not ours any more");
    look();
    EXPECT_TRUE(written.empty());
    write_file(root + "/main.py", "ours");
    look();
    EXPECT_EQ(written, Paths{"main.py"});
}

// Events of a file come to the directory through which it was opened.
TEST_F(Watch, ACompareFindsWhatNoEventTold) {
    fs::create_hard_link(root + "/main.py", dir.file("link"));
    arm({root});
    write_file(dir.file("link"), "through the other name");
    look();
    EXPECT_TRUE(written.empty());
    const auto compare = [&] {
        watcher->compare_soon();
        written.clear();
        io.restart();
        io.run_for(std::chrono::milliseconds(200));
    };
    compare();
    EXPECT_EQ(written, Paths{"main.py"});
    compare();
    EXPECT_TRUE(written.empty()) << "told once";

    // Who has it open will close it, and that is an event.
    UniqueFd open(::open((root + "/main.py").c_str(), O_WRONLY | O_APPEND));
    ASSERT_EQ(::write(open.get(), "x", 1), 1);
    compare();
    EXPECT_TRUE(written.empty());
    open.reset();
    look();
    EXPECT_EQ(written, Paths{"main.py"});
}

TEST_F(Watch, GitignoreIsObeyedNestedNegatedAndWhenItChanges) {
    ASSERT_EQ(std::system(("git init -q " + root).c_str()), 0);
    for (const char* name : {"gen", "app/out"})
        fs::create_directories(root + "/" + name);
    write_file(root + "/.gitignore", "gen/\n*.txt\n!keep.txt\n");
    write_file(root + "/app/.gitignore", "/out\nlocal.py\n");
    arm({root});
    EXPECT_EQ(watcher->counts().directories, 3U) << "neither gen nor app/out is watched";
    int round = 0;
    const auto write_all = [&] {
        const std::string text = std::to_string(++round);
        for (const char* name : {"a.txt", "keep.txt", "gen/a.py", "app/out/a.py", "app/local.py"})
            write_file(root + "/" + name, text);
        look();
    };
    write_all();
    EXPECT_EQ(written, Paths{"keep.txt"});

    write_file(root + "/.gitignore", "*.txt\n");
    write_file(root + "/app/.gitignore", "");
    look();
    EXPECT_EQ(written, Paths{}) << "a rule is no change of a program";
    write_all();
    EXPECT_EQ(written, (Paths{"gen/a.py", "app/out/a.py", "app/local.py"}));

    write_file(root + "/.gitignore", "gen/\n");
    look();
    write_all();
    EXPECT_EQ(written, (Paths{"a.txt", "keep.txt", "app/out/a.py", "app/local.py"}));
}

TEST_F(Watch, WhoNamesAnIgnoredDirectoryOfAWorkTreeWantsIt) {
    ASSERT_EQ(std::system(("git init -q " + root).c_str()), 0);
    write_file(root + "/.gitignore", "app/\n*.cfg\n");
    write_file(root + "/my.cfg", "1");
    arm({root + "/app", root + "/my.cfg"});
    write_file(root + "/app/views/a.py", "2");
    write_file(root + "/my.cfg", "2");
    look();
    EXPECT_EQ(written, (Paths{"app/views/a.py", "my.cfg"}));
}

}  // namespace
}  // namespace oneloop::test
