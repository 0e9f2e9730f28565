// Watching on real file systems, and what happens to them meanwhile: mounts, roots that are deleted
// and made again, a checkout, a clock that jumps.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/timex.h>

#include "tests/support/watch_world.h"

namespace oneloop::test {
namespace {

// ---- file systems ----
class OnFileSystem : public WatchWorld, public testing::WithParamInterface<const char*> {
  protected:
    void SetUp() override {
        if (const std::string problem = private_mounts(); !problem.empty()) {
            GTEST_SKIP() << problem;
        }
        const std::string kind = GetParam();
        if (kind == "tmpfs") {
            run("mount -t tmpfs none " + project);
        } else if (kind == "ext4") {
            run("truncate -s 16M " + dir.file("image") + " && mkfs.ext4 -q " + dir.file("image") +
                " && mount -o loop " + dir.file("image") + " " + project);
        } else {
            for (const char* name : {"disk", "disk/lower", "disk/upper", "disk/work"})
                fs::create_directory(dir.file(name));
            write_file(dir.file("disk/lower/below.py"), "from the lower layer");
            run("mount -t overlay none -o lowerdir=" + dir.file("disk/lower") + ",upperdir=" +
                dir.file("disk/upper") + ",workdir=" + dir.file("disk/work") + " " + project);
        }
        write_file(source, "as it was at the start");
    }
    void TearDown() override { ::umount2(project.c_str(), MNT_DETACH); }
};

INSTANTIATE_TEST_SUITE_P(Kinds, OnFileSystem, testing::Values("tmpfs", "ext4", "overlay"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(OnFileSystem, OtherBytesAreOneRestartAndTheSameBytesNone) {
    auto supervisor = supervise({"--watch", "-v"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    ASSERT_TRUE(wait_until_said("content of the watched files is known"));
    write_file(source, read_file(source));
    EXPECT_TRUE(wait_until_said("unchanged: app.py")) << read_file(console);
    write_file(at("app.py.new"), "2");
    fs::rename(at("app.py.new"), source);
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    fs::create_directories(at("a/b/c"));
    write_file(at("a/b/c/x.py"), "1");
    ASSERT_TRUE(wait_for_starts(3)) << read_file(console);
    EXPECT_TRUE(stays_at(3)) << read_file(console);
    if (std::string(GetParam()) == "overlay") {
        // Copied up by the first write: another inode on another disk behind the same path.
        write_file(at("below.py"), "from the upper layer");
        ASSERT_TRUE(wait_for_starts(4)) << read_file(console);
    }
    stop(supervisor);
}

TEST_F(WatchWorld, OurOwnStateBelowTheWatchedDirectoryIsNoChange) {
    state = at("var/state");
    fs::create_directories(at("var"));
    write_file(at("var/of_the_program.py"), "1");
    auto supervisor = supervise({"--watch"}, probe());
    for (int starts = 1; starts <= 3; ++starts) {
        ASSERT_TRUE(wait_for_starts(starts)) << read_file(console);
        EXPECT_TRUE(stays_at(starts)) << read_file(console);
        write_file(at("var/of_the_program.py"), "edit " + std::to_string(starts));
    }
    ASSERT_TRUE(wait_for_starts(4)) << read_file(console);
    EXPECT_EQ(said(" more)"), 0) << read_file(console);
    stop(supervisor);
}

// ---- trees that move ----
TEST_F(WatchWorld, ATreeThatIsMadeEditedMovedAndEditedIsOneRestartEach) {
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    fs::create_directories(at("a/b/c"));
    write_file(at("a/b/c/x.py"), "1");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_TRUE(stays_at(2)) << read_file(console);
    write_file(at("a/b/c/x.py"), "2");
    ASSERT_TRUE(wait_for_starts(3)) << read_file(console);
    EXPECT_TRUE(stays_at(3)) << read_file(console);
    fs::rename(at("a"), at("z"));
    ASSERT_TRUE(wait_for_starts(4)) << read_file(console);
    EXPECT_TRUE(stays_at(4)) << read_file(console);
    write_file(at("z/b/c/x.py"), "3");
    ASSERT_TRUE(wait_for_starts(5)) << read_file(console);
    EXPECT_TRUE(wait_until_said("changed: z/b/c/x.py", 2)) << "moved, and edited\n"
                                                           << read_file(console);
    stop(supervisor);
}

TEST_F(WatchWorld, ACheckoutIsOneRestartAndWhatItIgnoresIsNone) {
    run("cd " + project + " && git init -q -b one . && git config user.email a@example.org && " +
        "git config user.name a && echo 'out/' >.gitignore && for i in $(seq 300); do " +
        "echo one $i >f$i.py; done && git add -A && git commit -qm one && git checkout -qb two "
        "&& " +
        "for i in $(seq 300); do echo two $i >f$i.py; done && git commit -qam two");
    fs::create_directory(at("out"));
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    write_file(at("out/a.py"), "ignored by .gitignore");
    run("cd " + project + " && git status");  // writes .git/index
    EXPECT_TRUE(stays_at(1)) << read_file(console);
    run("cd " + project + " && git checkout -q one");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    let_pass(seconds(1));
    EXPECT_LE(logged("START"), 3) << "one, or two on a machine that is busy\n"
                                  << read_file(console);
    // .gitignore is obeyed as it is now, without a restart of anything.
    const int starts = logged("START");
    write_file(at(".gitignore"), "");
    EXPECT_TRUE(stays_at(starts)) << read_file(console);
    write_file(at("out/a.py"), "no longer ignored");
    EXPECT_TRUE(wait_for_starts(starts + 1)) << read_file(console);
    stop(supervisor);
}

TEST_F(WatchWorld, ABranchAndBackCostsNothingWhenNobodySawItInBetween) {
    run("cd " + project + " && git init -q -b one . && git config user.email a@example.org && " +
        "git config user.name a && for i in $(seq 30); do echo one $i >f$i.py; done && "
        "git add -A && git commit -qm one && git checkout -qb two && "
        "for i in $(seq 30); do echo two $i >f$i.py; done && git commit -qam two && "
        "git checkout -q one");
    auto supervisor = supervise({"--watch", "-v"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    ASSERT_TRUE(wait_until_said("content of the watched files is known"));
    supervisor.signal(SIGSTOP);
    run("cd " + project + " && git checkout -q two && git checkout -q one");
    supervisor.signal(SIGCONT);
    ASSERT_TRUE(wait_until_said("unchanged: f")) << read_file(console);
    EXPECT_TRUE(stays_at(1)) << read_file(console);
    run("cd " + project + " && git checkout -q two");
    ASSERT_TRUE(wait_for_starts(2)) << "seen, the same checkout is a restart\n"
                                    << read_file(console);
    stop(supervisor);
}

// ---- roots that come and go ----
TEST_F(WatchWorld, TheDirectoryOfWorkIsDeletedAndMadeAgain) {
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    fs::remove_all(project);
    ASSERT_TRUE(wait_until_said("is gone; it is watched again when it is back"))
        << read_file(console);
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    fs::create_directory(project);
    ASSERT_TRUE(wait_until_said("is back and watched again")) << read_file(console);
    const int starts = logged("START");
    write_file(source, "again");
    ASSERT_TRUE(wait_for_starts(starts + 1)) << read_file(console);
    // The worker is where people think it is.
    const auto workers = living(mark, is_worker);
    ASSERT_EQ(workers.size(), 1U);
    EXPECT_EQ(fs::read_symlink("/proc/" + std::to_string(workers[0].pid) + "/cwd"),
              fs::canonical(project));
    stop(supervisor);
}

// The next warden, which is made while the worker ends, is in the directory that was deleted.
TEST_F(WatchWorld, TheDirectoryOfWorkIsMadeAgainWhileAWorkerEnds) {
    auto supervisor = supervise({"--watch", "--stop-timeout", "60s"}, probe({"--ignore-term"}));
    ASSERT_TRUE(wait_for_starts(1));
    write_file(source, "2");
    ASSERT_TRUE(wait_until([&] { return living(mark, is_warden).size() == 2; }, seconds(10)));
    // It looks for the directory when it hears of the file, which is too early otherwise.
    supervisor.signal(SIGSTOP);
    fs::remove_all(project);
    supervisor.signal(SIGCONT);
    ASSERT_TRUE(wait_until_said("is gone; it is watched again when it is back"))
        << read_file(console);
    fs::create_directory(project);
    ASSERT_TRUE(wait_until_said("is back and watched again")) << read_file(console);
    end_the_worker();
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    const auto workers = living(mark, is_worker);
    ASSERT_EQ(workers.size(), 1U);
    EXPECT_EQ(fs::read_symlink("/proc/" + std::to_string(workers[0].pid) + "/cwd"),
              fs::canonical(project));
    stop_with_deaf_workers(supervisor);
}

TEST_F(WatchWorld, ATmpfsOnTheRootComesAndGoes) {
    if (const std::string problem = private_mounts(); !problem.empty()) GTEST_SKIP() << problem;
    const std::string data = at("data");
    fs::create_directory(data);
    write_file(data + "/below.py", "under the mount");
    auto supervisor = supervise({"--watch", "data"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    for (int round = 1; round <= 2; ++round) {
        ASSERT_EQ(::mount("none", data.c_str(), "tmpfs", 0, nullptr), 0);
        ASSERT_TRUE(wait_until_said("data is back and watched again", 2 * round - 1))
            << read_file(console);
        ASSERT_TRUE(wait_until([&] { return said("changed: ") > 0; }, seconds(10)));
        EXPECT_TRUE(wait_until([&] { return stays_at(logged("START")); }, seconds(10)));
        int starts = logged("START");
        write_file(data + "/above.py", "on the tmpfs " + std::to_string(round));
        ASSERT_TRUE(wait_for_starts(starts + 1)) << read_file(console);
        ASSERT_EQ(::umount(data.c_str()), 0);
        ASSERT_TRUE(wait_until_said("data is back and watched again", 2 * round))
            << read_file(console);
        EXPECT_TRUE(wait_until([&] { return stays_at(logged("START")); }, seconds(10)));
        starts = logged("START");
        write_file(data + "/below.py", "edited " + std::to_string(round));
        ASSERT_TRUE(wait_for_starts(starts + 1)) << read_file(console);
    }
    stop(supervisor);
}

TEST_F(WatchWorld, ATmpfsOnADirectoryInsideIsSeen) {
    if (const std::string problem = private_mounts(); !problem.empty()) GTEST_SKIP() << problem;
    fs::create_directories(at("in/side"));
    write_file(at("in/side/a.py"), "under the mount");
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    ASSERT_EQ(::mount("none", at("in/side").c_str(), "tmpfs", 0, nullptr), 0);
    write_file(at("in/side/a.py"), "on the tmpfs");  // seen by its event or by the comparison
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_TRUE(wait_until([&] { return stays_at(logged("START")); }, seconds(10)));
    const int starts = logged("START");
    write_file(at("in/side/a.py"), "edited there");
    ASSERT_TRUE(wait_for_starts(starts + 1)) << read_file(console);
    stop(supervisor);
    ::umount2(at("in/side").c_str(), MNT_DETACH);
}

// ---- what no event tells ----
// The kernel treats the end of a suspend as a jump of the clock; a jump by one nanosecond is one
// too.
TEST_F(WatchWorld, AfterASuspendEverythingIsCompared) {
    fs::create_hard_link(source, dir.file("link"));
    auto supervisor = supervise({"--watch", "-v"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    ASSERT_TRUE(wait_until_said("files, 0 changed")) << "when it is ready";
    write_file(dir.file("link"), "through the other name");  // no event comes to the project
    EXPECT_TRUE(stays_at(1));
    timex jump{};
    jump.modes = ADJ_SETOFFSET | ADJ_NANO;
    jump.time.tv_usec = 1;  // a nanosecond
    if (::clock_adjtime(CLOCK_REALTIME, &jump) < 0) {
        stop(supervisor);
        GTEST_SKIP() << "the clock may not be touched: " << std::strerror(errno);
    }
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(supervisor);
}

// ---- supervisor --list ----
TEST_F(WatchWorld, TheListNamesEachFileOrItsRule) {
    fs::create_directories(at("node_modules/x"));
    fs::create_directories(at("gen"));
    for (const char* name : {"a.py", "b.txt", "c.log", "d.html", "gen/g.py", "e.o"})
        write_file(at(name), "1");
    run("git init -q " + project);
    write_file(at(".gitignore"), "gen/\n");
    write_file(at("my.rules"), "*.o\n");
    auto process = start({ONELOOP_SUPERVISOR, "--list", "--watch", "--ignore", "*.txt", "--exts",
                          "py,html,o,log", "--ignore-file", "my.rules"});
    ASSERT_EQ(process.wait(seconds(10)), (ExitStatus{0, 0})) << read_file(console);
    EXPECT_EQ(read_file(console),
              "ignore  .git/  (default .git)\n"
              "ignore  .gitignore  (not in --exts or --filter)\n"
              "watch   a.py\n"
              "watch   app.py\n"
              "ignore  b.txt  (--ignore *.txt)\n"
              "ignore  c.log  (default *.log)\n"
              "watch   d.html\n"
              "ignore  e.o  (my.rules: *.o)\n"
              "ignore  gen/  (.gitignore)\n"
              "ignore  my.rules  (not in --exts or --filter)\n"
              "ignore  node_modules/  (default node_modules/)\n");
    auto missing = start({ONELOOP_SUPERVISOR, "--list", "--watch", "nowhere"});
    EXPECT_EQ(missing.wait(seconds(10)), (ExitStatus{69, 0})) << read_file(console);
}

}  // namespace
}  // namespace oneloop::test
