// What `worker --NAME` prints about a state file, and of a recording.
#include <sys/stat.h>

#include <algorithm>
#include <ctime>

#include "common/exit_status.h"
#include "tests/support/worker_fixture.h"

namespace oneloop {
namespace {

using namespace std::chrono_literals;
using test::limit;
using test::wait_until;
using test::WorkerTest;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CommandsTest : public WorkerTest {
  protected:
    CommandsTest() {
        std::string text = test::read_file(file_);
        text.insert(
            text.find("dates = "),
            "channels = [\"note\"]\nwhere = [ { field = \"title\", contains = \"별\" } ]\n");
        text += "[[channel]]\nid = \"note\"\nkind = \"exec\"\ncommand = [\"tee\", \"-a\", \"" +
                dir_.file("note") + "\"]\nbody = \"{subject}\"\n";
        test::write_file(file_, text);
    }
    std::string run(std::vector<std::string> arguments, int code = exit_ok) {
        arguments.insert(arguments.end(), {"--config", file_});
        Worker worker = start(arguments);
        EXPECT_EQ(worker.process.wait(limit), (ExitStatus{code, 0})) << worker.output();
        return worker.output();
    }
    // What follows `word` up to a blank.
    static std::string after(const std::string& text, const std::string& word) {
        const auto from = text.find(word);
        if (from == std::string::npos) return {};
        const auto begin = from + word.size();
        return text.substr(begin, text.find_first_of(" :\n", begin) - begin);
    }
    // Each "2026-11-25 17:00:00 · " taken out. (g++ 12 and its own <regex> are at odds under ASan.)
    static std::string without_clocks(std::string text) {
        const std::string mark = " · ";
        constexpr std::size_t length = 19;
        for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
            const auto begin = at - std::min(at, length);
            tm clock{};
            const char* const end = ::strptime(text.c_str() + begin, "%F %T", &clock);
            if (end == text.c_str() + at) {
                text.erase(begin, length + mark.size());
                at = begin;
            } else {
                at += mark.size();
            }
        }
        return text;
    }
    // A recording whose replies were there in the moment they were asked for.
    static std::string at_once(std::string text) {
        const std::string asked = "\"at_ms\":", done = "\"done_ms\":";
        for (auto at = text.find(done); at != std::string::npos; at = text.find(done, at)) {
            const auto begin = text.rfind(asked, at) + asked.size();
            const std::string moment = text.substr(begin, text.find(',', begin) - begin);
            at += done.size();
            text.replace(at, text.find_first_not_of("0123456789", at) - at, moment);
        }
        return text;
    }

    const std::string file_ = config("a");
};

TEST_F(CommandsTest, OncePollsStoresTellsAndEnds) {
    const std::string first = run({"--once"});
    EXPECT_THAT(first, HasSubstr("ev=tick.done"));
    EXPECT_THAT(test::read_file(dir_.file("note")), HasSubstr("[oneloop] w: 현재 회차"));
    const long asked = simulator_.counter("total");
    EXPECT_GT(asked, 0);
    ASSERT_TRUE(
        wait_until([&] { return run({"--once"}).find("tick=2 ") != std::string::npos; }, limit));
    EXPECT_EQ(test::read_file(dir_.file("note")).find("[oneloop]", 1), std::string::npos)
        << "told again";
    const Worker other = serving({"--standalone", "--config", file_});
    EXPECT_THAT(run({"--once"}, exit_running), HasSubstr("already running"));
}

// What a person said on the page holds for cron too.
TEST_F(CommandsTest, APausedWatchIsNotPolledByOnceAndThatIsSaid) {
    run({"--once"});
    const long asked = simulator_.counter("total");
    const auto note = [&](const std::string& statement) {
        test::Process sqlite({{"/usr/bin/python3", "-c",
                               "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]);"
                               "c.execute(sys.argv[2]); c.commit()",
                               dir_.file("a.db"), statement},
                              "",
                              {},
                              dir_.file("sqlite")});
        EXPECT_EQ(sqlite.wait(limit), ExitStatus{});
    };
    note("INSERT INTO pause VALUES ('w', 1000)");
    note("UPDATE watch SET due_ms = 0");
    const std::string paused = run({"--once"});
    EXPECT_THAT(paused, AllOf(HasSubstr("w is paused and was not polled"),
                              HasSubstr("POST /api/v1/watches/w/resume"),
                              HasSubstr("nothing is due\n"), Not(HasSubstr("tick.done"))));
    EXPECT_EQ(simulator_.counter("total"), asked);
    // The control: resumed it is. A muted one is polled, and nobody is told.
    note("DELETE FROM pause");
    note("INSERT INTO mute VALUES ('w', 99999999999999)");
    note("UPDATE watch SET told = 'something else'");
    const std::string told = test::read_file(dir_.file("note"));
    EXPECT_THAT(run({"--once"}), AllOf(HasSubstr("tick=2 "), Not(HasSubstr("paused"))));
    EXPECT_GT(simulator_.counter("total"), asked);
    EXPECT_EQ(test::read_file(dir_.file("note")), told);
    // One whose last day is over.
    std::string text = test::read_file(file_);
    text.insert(text.find("dates = "), "active_until = \"2025-01-31\"\n");
    test::write_file(file_, text);
    note("UPDATE watch SET due_ms = 0");
    EXPECT_THAT(run({"--once"}),
                AllOf(HasSubstr("w has ended and was not polled"), Not(HasSubstr("tick.done"))));
    EXPECT_THAT(run({"--state"}), HasSubstr("next not, active_until 2025-01-31"));
}

TEST_F(CommandsTest, ExplainSaysHowOftenAnOpeningWasSeen) {
    std::string text = test::read_file(file_);
    text.insert(text.find("dates = "), "confirm = 3\n");
    test::write_file(file_, text);
    run({"--once"});
    test::Process sqlite({{"/usr/bin/python3", "-c",
                           "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]);"
                           "c.execute(\"UPDATE item SET state = 'unconfirmed', waiting = 2\");"
                           "c.commit(); print(c.execute('SELECT key FROM item').fetchone()[0])",
                           dir_.file("a.db")},
                          "",
                          {},
                          dir_.file("sqlite")});
    ASSERT_EQ(sqlite.wait(limit), ExitStatus{});
    std::string id = test::read_file(dir_.file("sqlite"));
    id.pop_back();
    EXPECT_THAT(run({"--explain", id}),
                HasSubstr("an opening, shown by 2 of 3 polls in a row: not told yet"));
}

TEST_F(CommandsTest, StateAndExplainSayWhatIsKnownAndWhy) {
    run({"--state"}, exit_config);
    EXPECT_NE(::access(dir_.file("a.db").c_str(), F_OK), 0) << "a look makes no file";
    run({"--once"});
    const std::string state = run({"--state"});
    EXPECT_THAT(state,
                AllOf(HasSubstr("a.db: "), HasSubstr("schema 4"), HasSubstr("w: tick 1, next"),
                      HasSubstr(" showtimes: "), HasSubstr("1 sent")));
    // A showtime by the event that told it, and back.
    const std::string listed = run({"--dry-run"});
    const std::string id = after(listed, "item=");
    ASSERT_NE(id, "") << listed;
    const std::string showtime = run({"--explain", id});
    EXPECT_THAT(showtime, AllOf(HasSubstr("showtime " + id + " in w: "),
                                HasSubstr("where title contains 별: "), HasSubstr("event ")));
    const std::string event = after(showtime, "event ");
    EXPECT_THAT(run({"--explain", event}), HasSubstr("of " + id + " in w, tick 1"));
    const std::string key = after(showtime, "message ");
    ASSERT_NE(key, "") << showtime;
    EXPECT_THAT(run({"--explain", key}),
                AllOf(HasSubstr("note  sent"), HasSubstr("event " + event)));
    EXPECT_THAT(run({"--explain", "nobody"}, exit_usage),
                HasSubstr("nothing is known by the name"));
}

TEST_F(CommandsTest, ARecordingIsReplayedWithoutTheCinemaAndStoresNothing) {
    const std::string dry = run({"--dry-run", "--record", dir_.file("rec")});
    struct stat info {};
    ASSERT_EQ(::stat(dir_.file("rec").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    const long asked = simulator_.counter("total");
    const std::string again = run({"--replay", dir_.file("rec")});
    EXPECT_EQ(simulator_.counter("total"), asked);
    EXPECT_THAT(again, HasSubstr("---- by note ----"));
    // The same, but for the second in its last line: a new one may begin between the moment at
    // which the replies were there and the note of it.
    const auto told = [](const std::string& text) {
        return without_clocks(text.substr(text.find("---- by")));
    };
    ASSERT_NE(told(dry), dry.substr(dry.find("---- by"))) << "there was a clock";
    EXPECT_EQ(told(again), told(dry));
    EXPECT_NE(::access(dir_.file("a.db").c_str(), F_OK), 0);
    // Whenever it is read: with the recording's clock.
    EXPECT_EQ(run({"--replay", dir_.file("rec")}), again);
    std::string slow = at_once(test::read_file(dir_.file("rec")));
    const std::int64_t asked_at = std::stoll(after(slow, "\"at_ms\":"));
    const std::string done = after(slow, "\"done_ms\":");
    slow.replace(slow.find(done), done.find(','), std::to_string(asked_at + 90'000));
    test::write_file(dir_.file("slow"), slow);
    const std::time_t seoul = (asked_at + 90'000) / 1000 + 9 * 3600;
    char text[32];
    std::strftime(text, sizeof text, "%F %T", std::gmtime(&seoul));
    EXPECT_THAT(run({"--replay", dir_.file("slow")}), HasSubstr(std::string(text) + " · w · #1"));
    EXPECT_THAT(again, Not(HasSubstr(text)));
    // A saved reply, as somebody has it from a browser.
    test::write_file(dir_.file("body"), "<html>점검 중</html>");
    EXPECT_THAT(run({"--replay", dir_.file("body")}), HasSubstr("HTML page instead of JSON"));
    run({"--replay", dir_.file("nothing")}, exit_usage);
}

}  // namespace
}  // namespace oneloop
