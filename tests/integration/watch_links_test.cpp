// Links to directories in a watched tree, and rules that lie above it.
#include "tests/support/watch_fixture.h"
#include "tests/support/watch_world.h"

namespace oneloop::test {
namespace {

class Links : public Watch {
  protected:
    Links() {
        fs::create_directories(outside + "/deep");
        write_file(outside + "/deep/x.py", "1");
        fs::create_directory_symlink(outside, root + "/link");
    }
    std::string outside = dir.file("outside");
};

TEST_F(Links, WhatLiesBehindOneIsWatched) {
    arm({root});
    write_file(outside + "/deep/x.py", "2");
    look();
    EXPECT_EQ(written, Paths{"link/deep/x.py"});
    fs::create_directories(outside + "/new");
    write_file(outside + "/new/y.py", "1");
    look();
    EXPECT_EQ(written, Paths{"link/new/y.py"});
    fs::remove(outside + "/new/y.py");
    look();
    EXPECT_EQ(removed, Paths{"link/new/y.py"});
}

TEST_F(Links, OneThatComesIsNewsAndOneThatGoesIsGone) {
    arm({root});
    fs::create_directories(dir.file("more"));
    write_file(dir.file("more/m.py"), "1");
    fs::create_directory_symlink("../more", root + "/another");
    look();
    EXPECT_EQ(written, Paths{"another/m.py"});
    fs::remove(root + "/link");
    look();
    EXPECT_EQ(removed, Paths{"link/deep/x.py"});
    write_file(outside + "/deep/x.py", "2");
    look();
    EXPECT_TRUE(written.empty());
    write_file(dir.file("more/m.py"), "2");
    look();
    EXPECT_EQ(written, Paths{"another/m.py"});
}

TEST_F(Links, OneIntoTheTreeIsToldByTheNameThatItHasThere) {
    fs::create_directory_symlink("app", root + "/a_link");
    arm({root});
    write_file(root + "/app/views/a.py", "2");
    look();
    EXPECT_EQ(written, Paths{"app/views/a.py"});
}

TEST_F(Links, OneIntoTheTreeThatIsRetargetedIsAChange) {
    const auto point = [this](const std::string& target) {
        fs::create_directory_symlink(target, root + "/next");
        fs::rename(root + "/next", root + "/current");
        look();
    };
    fs::create_directories(root + "/v2");
    fs::create_directory_symlink("app", root + "/current");
    arm({root});
    point("v2");
    EXPECT_TRUE(written.contains("current"));
    point("v2");
    EXPECT_FALSE(written.contains("current"));
    EXPECT_EQ(unchanged, Paths{"current"});
    // Removed and made again, to the same, and to another one.
    for (const auto& [target, told] :
         {std::pair{"v2", Paths{}}, std::pair{"app", Paths{"current"}}}) {
        fs::remove(root + "/current");
        fs::create_directory_symlink(target, root + "/current");
        look();
        EXPECT_EQ(written, told);
        EXPECT_EQ(unchanged, told.empty() ? Paths{"current"} : Paths{});
    }
    fs::remove(root + "/current");
    look();
    EXPECT_EQ(removed, Paths{"current"});
    watcher->worker_starts();
    look();
    EXPECT_EQ(written, Paths{});
    EXPECT_EQ(removed, Paths{});
    // Out of the tree and back into it.
    point("app");
    EXPECT_TRUE(written.contains("current"));
    point(dir.file("elsewhere_that_is_not_there"));
    fs::create_directories(dir.file("elsewhere"));
    write_file(dir.file("elsewhere/e.py"), "1");
    point(dir.file("elsewhere"));
    EXPECT_TRUE(written.contains("current/e.py"));
    point("app");
    EXPECT_TRUE(written.contains("current"));
    EXPECT_TRUE(removed.contains("current/e.py"));
}

TEST_F(Links, AnIgnoredOneIsNotFollowed) {
    arm({root}, {}, {"link/"});
    write_file(outside + "/deep/x.py", "2");
    look();
    EXPECT_TRUE(written.empty());
}

// Each ends, with events and by polling, and each directory has one watch.
TEST_F(Links, LoopsEnd) {
    fs::create_directory_symlink(root, outside + "/back");
    fs::create_directory_symlink(".", outside + "/self");
    fs::create_directory_symlink("..", root + "/up");
    fs::create_directory_symlink("/", root + "/everything");
    fs::create_directory_symlink("second", root + "/first");
    fs::create_directory_symlink("first", root + "/second");
    fs::create_directories(dir.file("twin"));
    fs::create_directory_symlink(outside, dir.file("twin/to_outside"));
    fs::create_directory_symlink(dir.file("twin"), outside + "/to_twin");
    for (const auto when : {PollOptions::When::automatic, PollOptions::When::always}) {
        polling.when = when;
        polling.every = std::chrono::milliseconds(1);
        arm({root});
        EXPECT_EQ(watcher->counts().directories, 6U)
            << "root, app, app/views, outside, outside/deep, twin";
        write_file(outside + "/deep/x.py", when == PollOptions::When::always ? "three" : "2");
        EXPECT_TRUE(wait_until(
            [&] {
                look();
                return written == Paths{"link/deep/x.py"};
            },
            std::chrono::seconds(5)));
    }
}

TEST_F(Links, OfTwoToOneDirectoryTheOtherOneStays) {
    fs::create_directory_symlink(outside, root + "/other");
    arm({root});
    write_file(outside + "/deep/x.py", "2");
    look();
    ASSERT_EQ(written.size(), 1U) << "once, by one of them";
    const std::string first = *written.begin();
    fs::remove(root + "/" + first.substr(0, first.find('/')));
    look();
    write_file(outside + "/deep/x.py", "3");
    look();
    EXPECT_EQ(written, Paths{first == "link/deep/x.py" ? "other/deep/x.py" : "link/deep/x.py"});
}

TEST_F(Links, ATargetThatIsMovedAwayIsGoneAndBackWithTheNextWorker) {
    arm({root});
    fs::rename(outside, dir.file("away"));
    look();
    EXPECT_EQ(removed, Paths{"link/deep/x.py"});
    fs::rename(dir.file("away"), outside);
    watcher->worker_starts();
    look();
    EXPECT_EQ(unchanged, Paths{"link/deep/x.py"}) << "with the same bytes";
    write_file(outside + "/deep/x.py", "2");
    look();
    EXPECT_EQ(written, Paths{"link/deep/x.py"});
}

TEST_F(Links, ATargetThatWasReplacedUnnoticedIsFoundByAComparison) {
    arm({root});
    fs::create_directories(dir.file("next/deep"));
    write_file(dir.file("next/deep/x.py"), "2");
    // As `ln -sfn` does, while the queue of events is full.
    const int more = std::stoi(read_file("/proc/sys/fs/inotify/max_queued_events")) + 1000;
    for (int i = 0; i < more / 2; ++i) {
        for (const auto& file : {root + "/main.py", root + "/app/views/a.py"})
            ::close(::open(file.c_str(), O_WRONLY));
    }
    fs::create_directory_symlink(dir.file("next"), root + "/link.new");
    fs::rename(root + "/link.new", root + "/link");
    look();
    EXPECT_EQ(lost, 1);
    EXPECT_TRUE(written.contains("link/deep/x.py"));
    write_file(dir.file("next/deep/x.py"), "3");
    look();
    EXPECT_EQ(written, Paths{"link/deep/x.py"});
}

// ---- with the real supervisor ----
TEST_F(WatchWorld, ALinkThatIsRetargetedIsARestartOnlyWhenTheBytesDiffer) {
    for (const char* version : {"v1", "v2", "v3"}) {
        fs::create_directory(dir.file(version));
        write_file(dir.file(version) + "/lib.py", version[1] == '3' ? "other" : "the same");
    }
    fs::create_directory_symlink("../v1", at("lib"));
    auto supervisor = supervise({"--watch", "-v"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    ASSERT_TRUE(wait_until_said("content of the watched files is known"));
    run("ln -sfn ../v2 " + at("lib"));
    ASSERT_TRUE(wait_until_said("unchanged: lib/lib.py")) << read_file(console);
    EXPECT_TRUE(stays_at(1)) << read_file(console);
    run("ln -sfn ../v3 " + at("lib"));
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_TRUE(stays_at(2)) << read_file(console);
    write_file(dir.file("v2") + "/lib.py", "nobody has this");
    EXPECT_TRUE(stays_at(2)) << read_file(console);
    write_file(dir.file("v3") + "/lib.py", "somebody has this");
    ASSERT_TRUE(wait_for_starts(3)) << read_file(console);
    stop(supervisor);
}

TEST_F(WatchWorld, TheListFollowsLinksAsTheWatchDoes) {
    fs::create_directories(dir.file("outside/deep"));
    write_file(dir.file("outside/deep/x.py"), "1");
    fs::create_directory_symlink("../outside", at("link"));
    fs::create_directory_symlink("../outside/deep", at("of_the_same"));
    fs::create_directory_symlink(".", at("self"));
    auto process = start({ONELOOP_SUPERVISOR, "--list", "--watch"});
    ASSERT_EQ(process.wait(seconds(10)), (ExitStatus{0, 0})) << read_file(console);
    EXPECT_EQ(read_file(console),
              "watch   app.py\n"
              "watch   link/deep/x.py\n"
              "ignore  of_the_same/  (leads into " +
                  fs::canonical(dir.file("outside")).string() +
                  ", which is watched)\n"
                  "ignore  self/  (leads into " +
                  fs::canonical(project).string() + ", which is watched)\n");
}

// ---- rules above the root ----
TEST_F(Watch, RulesAboveTheRootAreObeyedAtOnceForDirectoriesToo) {
    ASSERT_EQ(std::system(("git init -q " + dir.path()).c_str()), 0);
    fs::create_directories(root + "/out");
    arm({root + "/app", root + "/out"});
    const auto told = [&](const std::string& name, const std::string& text) {
        fs::create_directories(fs::path(root + "/" + name).parent_path());
        write_file(root + "/" + name, text);
        look();
        return written.contains(name);
    };
    EXPECT_TRUE(told("app/gen/a.py", "1"));
    for (const std::string& rules :
         {dir.file(".gitignore"), root + "/.gitignore", dir.file(".git/info/exclude")}) {
        write_file(rules, "gen/\nmade/\n");
        look();
        EXPECT_FALSE(told("app/gen/a.py", rules)) << rules;
        EXPECT_FALSE(told("app/made/b.py", rules)) << rules;
        EXPECT_TRUE(told("out/c.py", rules)) << rules;
        fs::remove(rules);
        look();
        EXPECT_TRUE(told("app/gen/a.py", rules + " is gone")) << rules;
        EXPECT_TRUE(told("app/made/b.py", rules + " is gone")) << rules;
        fs::remove_all(root + "/app/made");
        look();
    }
}

}  // namespace
}  // namespace oneloop::test
