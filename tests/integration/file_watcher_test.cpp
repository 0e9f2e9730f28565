// The watcher on a real file system: every way of saving is seen, what does not count is not.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/watch_fixture.h"

namespace oneloop::test {
namespace {

TEST_F(Watch, EveryWayOfSavingAFile) {
    arm({root});
    EXPECT_EQ(watcher->counts().files, 2U);
    EXPECT_EQ(watcher->counts().directories, 3U);
    const std::string file = root + "/app/views/a.py";
    const Paths it = {"app/views/a.py"};

    write_file(file, "in place");
    look();
    EXPECT_EQ(written, it) << "truncate and write";

    const int fd = ::open(file.c_str(), O_WRONLY | O_APPEND);
    ASSERT_EQ(::write(fd, "x", 1), 1);
    ::close(fd);
    look();
    EXPECT_EQ(written, it) << "append";

    write_file(root + "/app/views/a.py.tmp", "new");
    fs::rename(root + "/app/views/a.py.tmp", file);
    look();
    EXPECT_EQ(written, it) << "temporary file and rename";

    fs::rename(file, file + "~");  // vim with a backup
    write_file(file, "newer");
    fs::remove(file + "~");
    look();
    EXPECT_EQ(written, it) << "rename to a backup and write anew";
    EXPECT_EQ(removed, it);

    fs::remove(file);
    look();
    EXPECT_EQ(removed, it) << "remove";

    write_file(dir.file("elsewhere"), "newest");
    fs::rename(dir.file("elsewhere"), file);
    look();
    EXPECT_EQ(written, it) << "moved in";

    fs::remove(file);
    fs::create_symlink("/etc/hostname", file);
    look();
    EXPECT_EQ(written, it) << "a link";

    fs::remove(file);
    fs::create_hard_link(root + "/main.py", file);
    look();
    EXPECT_EQ(written, it) << "a hard link";
}

TEST_F(Watch, WhatChangesNoByteIsNotToldOf) {
    arm({root});
    const std::string file = root + "/main.py";
    EXPECT_EQ(read_file(file), "1");
    ASSERT_EQ(::chmod(file.c_str(), 0755), 0);
    ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), nullptr, 0), 0);
    look();
    EXPECT_TRUE(written.empty());
    EXPECT_TRUE(removed.empty());
}

TEST_F(Watch, NewDirectoriesAreWatchedWithWhatTheyAlreadyHold) {
    arm({root});
    fs::create_directories(root + "/x/y/z");
    write_file(root + "/x/y/z/deep.py", "made before its directory could be watched");
    look();
    EXPECT_TRUE(written.contains("x/y/z/deep.py"));
    write_file(root + "/x/y/z/deep.py", "2");
    look();
    EXPECT_EQ(written, Paths{"x/y/z/deep.py"});
}

TEST_F(Watch, ARenamedDirectoryIsKnownByItsNewName) {
    arm({root});
    fs::rename(root + "/app", root + "/lib");
    look();
    EXPECT_EQ(removed, Paths{"app"});
    EXPECT_TRUE(written.contains("lib/views/a.py"));
    write_file(root + "/lib/views/a.py", "2");
    look();
    EXPECT_EQ(written, Paths{"lib/views/a.py"});

    // Moved out of the tree it is no longer ours.
    fs::rename(root + "/lib", dir.file("outside"));
    look();
    EXPECT_EQ(removed, Paths{"lib"});
    write_file(dir.file("outside") + "/views/a.py", "3");
    look();
    EXPECT_TRUE(written.empty());
}

TEST_F(Watch, IgnoredDirectoriesNeverGetAWatchAndIgnoredFilesDoNotCount) {
    for (const char* name : {".git", "node_modules", "__pycache__", "build", "generated"}) {
        fs::create_directories(root + "/" + name);
    }
    arm({root}, {}, {"generated", "*.txt", "app/*.md"});
    EXPECT_EQ(watcher->counts().directories, 3U);
    for (const char* name :
         {".git/HEAD", "node_modules/x.js", "__pycache__/a.pyc", "build/x", "generated/a.py",
          "notes.txt", "app/readme.md", "app.log", ".a.py.swp"}) {
        write_file(root + "/" + name, "x");
    }
    fs::create_directories(root + "/app/__pycache__");
    write_file(root + "/app/__pycache__/a.pyc", "x");
    look();
    EXPECT_TRUE(written.empty()) << *written.begin();
    write_file(root + "/app/views/readme.md", "the rule names app/ only");
    look();
    EXPECT_EQ(written, Paths{"app/views/readme.md"});
}

TEST_F(Watch, ANamedFileBeatsEveryRuleAndIsFollowedThroughReplacement) {
    fs::create_directories(root + "/build");
    const std::string file = root + "/build/settings.log";
    write_file(file, "1");
    arm({file});
    write_file(root + "/build/other", "not asked for");
    write_file(root + "/main.py", "not asked for");
    look();
    EXPECT_TRUE(written.empty());
    for (int i = 0; i < 3; ++i) {
        write_file(file + ".new", std::to_string(i));
        fs::rename(file + ".new", file);
        look();
        EXPECT_EQ(written, Paths{"build/settings.log"}) << i;
    }
    fs::remove(file);
    look();
    EXPECT_EQ(removed, Paths{"build/settings.log"});
}

TEST_F(Watch, AProgramThatIsBeingRebuiltIsToldWhenItIsThereAgain) {
    const std::string program = root + "/worker";
    write_file(program, "1");
    arm({}, {program});
    fs::remove(program);
    look();
    EXPECT_TRUE(removed.empty());
    write_file(program, "2");
    look();
    EXPECT_EQ(written, Paths{"worker"});
}

TEST_F(Watch, BehindALinkTheTargetCountsToo) {
    write_file(root + "/v1.toml", "1");
    fs::create_symlink("v1.toml", root + "/oneloop.toml");
    arm({root + "/oneloop.toml"});
    write_file(root + "/v1.toml", "2");
    look();
    EXPECT_EQ(written, Paths{"oneloop.toml"});
    write_file(root + "/v2.toml", "3");
    fs::create_symlink("v2.toml", root + "/next");
    fs::rename(root + "/next", root + "/oneloop.toml");
    look();
    EXPECT_TRUE(written.contains("oneloop.toml"));
}

TEST_F(Watch, AnOverflowIsToldAndDirectoriesMadeMeanwhileAreWatchedAfterwards) {
    arm({root});
    std::string limit = read_file("/proc/sys/fs/inotify/max_queued_events");
    const int more = std::stoi(limit) + 1000;
    const std::string busy = root + "/main.py";
    const std::string other = root + "/app/b.py";
    for (int i = 0; i < more / 2; ++i) {  // two files in turn: equal neighbours would be merged
        ::close(::open(busy.c_str(), O_WRONLY | O_CREAT, 0600));
        ::close(::open(other.c_str(), O_WRONLY | O_CREAT, 0600));
    }
    fs::create_directories(root + "/made/while/full");
    look();
    EXPECT_GE(lost, 1);
    write_file(root + "/made/while/full/x.py", "1");
    look();
    EXPECT_TRUE(written.contains("made/while/full/x.py"));
}

TEST_F(Watch, AfterAnOverflowOnlyWhatDiffersIsTold) {
    arm({root});
    const std::string same = root + "/main.py";
    const int more = std::stoi(read_file("/proc/sys/fs/inotify/max_queued_events")) + 1000;
    for (int i = 0; i < more / 2; ++i) {
        for (const auto& file : {same, root + "/app/views/a.py"})
            ::close(::open(file.c_str(), O_WRONLY));
    }
    // What tells of these is in the queue no more.
    write_file(root + "/app/views/a.py", "2");
    fs::remove(same);
    write_file(root + "/new.py", "1");
    look();
    EXPECT_EQ(lost, 1);
    EXPECT_EQ(compared.changed, 2U) << "an older event has told of the other one";
    EXPECT_TRUE(compared.complete);
    EXPECT_EQ(written, (Paths{"app/views/a.py", "new.py"}));
    EXPECT_EQ(removed, Paths{"main.py"});
}

TEST_F(Watch, WhatCannotBeWatchedIsNamed) {
    for (const std::string& path : {root + "/missing", root + "/missing/x.py"}) {
        try {
            arm({path});
            ADD_FAILURE() << path;
        } catch (const WatchError& error) {
            EXPECT_NE(std::string(error.what()).find(path), std::string::npos) << error.what();
        }
    }
}

}  // namespace
}  // namespace oneloop::test
