// Where events don't come: a file system that others write to, and no watches left.
#include "tests/support/watch_world.h"

namespace oneloop::test {
namespace {

class WatchPoll : public WatchWorld {
  protected:
    // In a user namespace, which has limits of its own: namespaces(7), user.max_inotify_watches.
    // Exits with 99 when the limit can't be set.
    [[nodiscard]] std::vector<std::string> limited(const std::string& limit, int most,
                                                   const std::vector<std::string>& options) const {
        std::vector<std::string> command = {"unshare",
                                            "-r",
                                            "sh",
                                            "-c",
                                            "echo " + std::to_string(most) + " >/proc/sys/user/" +
                                                limit + " || exit 99; exec \"$0\" \"$@\"",
                                            ONELOOP_SUPERVISOR};
        command.insert(command.end(), options.begin(), options.end());
        for (const auto& word : {"--isolate", "subreaper", "--state-dir", state.c_str(), "--"})
            command.emplace_back(word);
        for (const auto& word : probe())
            command.push_back(word);
        return command;
    }
    static bool user_namespaces() {
        return std::system("exec >/dev/null 2>&1; unshare -r true") == 0;
    }
};

TEST_F(WatchPoll, OnFuseItPollsAndSaysSo) {
    if (const std::string problem = private_mounts(); !problem.empty()) GTEST_SKIP() << problem;
    fs::create_directory(dir.file("behind"));
    fs::create_directory(at("mounted"));
    write_file(dir.file("behind/a.py"), "1");
    if (std::system(
            ("exec >/dev/null 2>&1; bindfs " + dir.file("behind") + " " + at("mounted")).c_str()) !=
        0) {
        GTEST_SKIP() << "no FUSE here, or no bindfs";
    }
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    EXPECT_EQ(said("mounted is on FUSE: no change events there, polling every 500ms"), 1)
        << read_file(console);
    // As another machine does it: behind the back of the mount.
    write_file(dir.file("behind/a.py"), "2");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    fs::create_directory(dir.file("behind/new"));
    write_file(dir.file("behind/new/b.py"), "1");
    ASSERT_TRUE(wait_for_starts(3)) << read_file(console);
    fs::remove(dir.file("behind/a.py"));
    ASSERT_TRUE(wait_for_starts(4)) << read_file(console);
    EXPECT_FALSE(wait_for_starts(5, milliseconds(1200))) << read_file(console);
    // The rest of the tree is as quick as ever.
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(5, milliseconds(400))) << read_file(console);
    stop(supervisor);
    ::umount2(at("mounted").c_str(), MNT_DETACH);
}

TEST_F(WatchPoll, ControlWithoutPollingTheChangeBehindFuseIsNotSeen) {
    if (const std::string problem = private_mounts(); !problem.empty()) GTEST_SKIP() << problem;
    fs::create_directory(dir.file("behind"));
    fs::create_directory(at("mounted"));
    write_file(dir.file("behind/a.py"), "1");
    if (std::system(
            ("exec >/dev/null 2>&1; bindfs " + dir.file("behind") + " " + at("mounted")).c_str()) !=
        0) {
        GTEST_SKIP() << "no FUSE here, or no bindfs";
    }
    auto supervisor = supervise({"--watch", "--no-poll"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    write_file(dir.file("behind/a.py"), "2");
    EXPECT_FALSE(wait_for_starts(2, milliseconds(1500))) << read_file(console);
    stop(supervisor);
    ::umount2(at("mounted").c_str(), MNT_DETACH);
}

TEST_F(WatchPoll, WithoutWatchesItPollsWhatIsLeftAndNamesTheSysctl) {
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        fs::create_directory(at(name));
        write_file(at(name) + "/x.py", "1");
    }
    const std::vector<std::string> command = limited("max_inotify_watches", 3, {"--watch"});
    if (!user_namespaces()) GTEST_SKIP() << "no user namespace here";
    auto supervisor = start(command);
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    EXPECT_EQ(said("all inotify watches are in use; polling "), 1) << read_file(console);
    EXPECT_EQ(said("sudo sysctl fs.inotify.max_user_watches="), 1) << read_file(console);
    int starts = 1;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        write_file(at(name) + "/x.py", "2");
        ASSERT_TRUE(wait_for_starts(++starts)) << name << "\n" << read_file(console);
    }
    stop(supervisor);
}

TEST_F(WatchPoll, WithoutAnInstanceItPollsEverythingAndNamesTheSysctl) {
    if (!user_namespaces()) GTEST_SKIP() << "no user namespace here";
    fs::create_directories(at("a/b"));
    write_file(at("a/b/x.py"), "1");
    auto supervisor = start(limited("max_inotify_instances", 0, {"--watch"}));
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    EXPECT_EQ(said("all inotify instances are in use; polling every 500ms (sudo sysctl "
                   "fs.inotify.max_user_instances="),
              1)
        << read_file(console);
    write_file(at("a/b/x.py"), "2");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    write_file(at("a/b/y.py"), "1");
    ASSERT_TRUE(wait_for_starts(3)) << read_file(console);
    fs::remove_all(at("a"));
    ASSERT_TRUE(wait_for_starts(4)) << read_file(console);
    // The directory of work, too, may go and come back.
    fs::rename(project, project + ".away");
    ASSERT_TRUE(wait_until_said("is gone; it is watched again when it is back"))
        << read_file(console);
    fs::rename(project + ".away", project);
    ASSERT_TRUE(wait_until_said("is back and watched again")) << read_file(console);
    stop(supervisor);
}

TEST_F(WatchPoll, WithoutAnInstanceNoPollIsRefused) {
    if (!user_namespaces()) GTEST_SKIP() << "no user namespace here";
    auto refused = start(limited("max_inotify_instances", 0, {"--watch", "--no-poll"}));
    EXPECT_EQ(refused.wait(seconds(10)), (ExitStatus{69, 0})) << read_file(console);
    EXPECT_EQ(said("inotify: Too many open files (sudo sysctl fs.inotify.max_user_instances="), 1)
        << read_file(console);
    EXPECT_EQ(logged("START"), 0);
    // One is enough.
    auto supervisor = start(limited("max_inotify_instances", 1, {"--watch", "--no-poll"}));
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    stop(supervisor);
}

TEST_F(WatchPoll, PollingOnRequestSeesWhatEventsSee) {
    auto supervisor = supervise({"--watch", "--poll", "50ms"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    write_file(source, "2");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    fs::create_directories(at("x/y"));
    write_file(at("x/y/z.py"), "1");
    ASSERT_TRUE(wait_for_starts(3)) << read_file(console);
    fs::remove_all(at("x"));
    ASSERT_TRUE(wait_for_starts(4)) << read_file(console);
    EXPECT_TRUE(stays_at(4)) << read_file(console);
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
