// Where a watch is accepted and tells nothing.
#include "tests/support/watch_world.h"

namespace oneloop::test {
namespace {

class WatchSilent : public WatchWorld {
  protected:
    WatchSilent() {
        for (const char* name : {"loud", "quiet"}) {
            fs::create_directory(at(name));
            write_file(at(name) + "/x.py", "1");
        }
        fs::create_directory(dir.file("deaf"));
    }
    void quiet_is_silent() {
        environment = {{"LD_PRELOAD", ONELOOP_DEAF_WATCHES},
                       {"ONELOOP_TEST_DEAF", "/quiet"},
                       {"ONELOOP_TEST_DEAF_PLACE", dir.file("deaf")},
                       {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
    }
    // The comparison that each worker is followed by is over: what is found now, it did not find.
    [[nodiscard]] bool wait_for_start_and_comparison(int number) const {
        return wait_for_starts(number) && wait_until_said("files, 0 changed", number);
    }
    const std::string problem = "its watch tells nothing, polling every 500ms";
};

TEST_F(WatchSilent, ThatPartIsPolledAndSaidAndTheRestIsAsQuickAsEver) {
    quiet_is_silent();
    auto supervisor = supervise({"--watch", "loud", "--watch", "quiet", "-v"}, probe());
    ASSERT_TRUE(wait_for_start_and_comparison(1)) << read_file(console);
    // Before anybody can know.
    write_file(at("quiet/x.py"), "2");
    ASSERT_TRUE(wait_for_start_and_comparison(2)) << read_file(console);
    EXPECT_TRUE(wait_until_said("quiet: " + problem)) << read_file(console);
    fs::create_directories(at("quiet/new/deep"));
    write_file(at("quiet/new/deep/y.py"), "1");
    ASSERT_TRUE(wait_for_start_and_comparison(3)) << read_file(console);
    write_file(at("quiet/new/deep/y.py"), "2");
    ASSERT_TRUE(wait_for_start_and_comparison(4)) << read_file(console);
    fs::remove_all(at("quiet/new"));
    ASSERT_TRUE(wait_for_start_and_comparison(5)) << read_file(console);
    write_file(at("loud/x.py"), "2");
    ASSERT_TRUE(wait_for_starts(6, milliseconds(400))) << read_file(console);
    EXPECT_EQ(said(problem), 1) << read_file(console);
    // The root itself goes and comes.
    fs::rename(at("quiet"), at("quiet.away"));
    ASSERT_TRUE(wait_until_said("quiet is gone; it is watched again when it is back"))
        << read_file(console);
    fs::rename(at("quiet.away"), at("quiet"));
    ASSERT_TRUE(wait_until_said("quiet is back and watched again")) << read_file(console);
    EXPECT_TRUE(wait_until([&] { return stays_at(logged("START")); }, seconds(10)));
    const int starts = logged("START");
    write_file(at("quiet/x.py"), "3");
    ASSERT_TRUE(wait_for_starts(starts + 1)) << read_file(console);
    EXPECT_EQ(said(problem), said("quiet: " + problem)) << read_file(console);
    stop(supervisor);
}

TEST_F(WatchSilent, ControlWithoutTheTestTheEditIsLost) {
    quiet_is_silent();
    auto supervisor =
        supervise({"--watch", "loud", "--watch", "quiet", "--no-poll", "-v"}, probe());
    ASSERT_TRUE(wait_for_start_and_comparison(1)) << read_file(console);
    write_file(at("quiet/x.py"), "2");
    EXPECT_FALSE(wait_for_starts(2, milliseconds(2500))) << read_file(console);
    EXPECT_EQ(said(problem), 0);
    write_file(at("loud/x.py"), "2");
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(supervisor);
}

TEST_F(WatchSilent, WhereEventsComeNothingIsPolledAndNothingWritten) {
    const auto before = fs::last_write_time(project);
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    // A stopped supervisor hears late, and is not deaf.
    supervisor.signal(SIGSTOP);
    let_pass(milliseconds(1500));
    supervisor.signal(SIGCONT);
    EXPECT_TRUE(stays_at(1)) << read_file(console);
    EXPECT_EQ(said("polling"), 0) << read_file(console);
    EXPECT_EQ(fs::last_write_time(project), before);
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
