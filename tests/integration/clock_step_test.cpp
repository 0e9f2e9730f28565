// The wall clock is set while the real worker polls and mails: by libfaketime, which fakes what the
// worker reads as the time of day and leaves its monotonic and boot clocks as they are.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "tests/support/mailing_fixture.h"

namespace oneloop {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;
using test::limit;
using test::wait_until;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr long shows_a_day = 7;  // of the simulator, in "open"

class ClockStepTest : public test::MailingTest {
  protected:
    // The clock of Seoul shows this time of the day that is `day` days after tomorrow.
    void set_clock(int day, seconds time) {
        const auto now = std::chrono::system_clock::now();
        const auto there = tomorrow_ + std::chrono::days(day) + time - 9h;
        const auto step = std::chrono::round<seconds>(there - now).count();
        // In one piece: the worker reads it with every look at the clock.
        test::write_file(dir_.file("clock.new"), "+" + std::to_string(step));
        ASSERT_EQ(std::rename(dir_.file("clock.new").c_str(), dir_.file("clock").c_str()), 0);
    }
    [[nodiscard]] std::string shown(int day, const std::string& time) const {
        return test_date(day) + " " + time;
    }
    [[nodiscard]] test::Environment faked() const {
        const char* asan = std::getenv("ASAN_OPTIONS");
        return {
            {"LD_PRELOAD", ONELOOP_LIBFAKETIME},
            {"FAKETIME_TIMESTAMP_FILE", dir_.file("clock")},
            {"FAKETIME_NO_CACHE", "1"},
            {"NO_FAKE_STAT", "1"},
            // With it the worker would wait by one clock and plan by another.
            {"FAKETIME_DONT_FAKE_MONOTONIC", "1"},
            {"ASAN_OPTIONS", (asan ? std::string(asan) + ":" : "") + "verify_asan_link_order=0"}};
    }
    Worker stepped(const std::string& file) {
        return serving({"--standalone", "--config", file}, faked());
    }
    // What /status says of the last poll that was read.
    static std::string checked(const Worker& worker) {
        const std::string status = worker.status();
        const std::string name = "\"lastCheck\":\"";
        const auto found = status.find(name);
        return found == std::string::npos ? "" : status.substr(found + name.size(), 19);
    }
    // A poll that began after the step.
    static void expect_poll_at(const Worker& worker, const std::string& time) {
        EXPECT_TRUE(wait_until([&] { return checked(worker).starts_with(time); }, limit))
            << worker.output();
        EXPECT_TRUE(worker.polls());
    }
    // How often each showtime was news, by kind and id.
    static std::map<std::string, int> news_of(const Worker& worker) {
        std::map<std::string, int> news;
        std::istringstream lines(worker.output());
        for (std::string line; std::getline(lines, line);) {
            const auto kind = line.find(" ev=event.");
            const auto item = line.find(" item=");
            if (kind == std::string::npos || item == std::string::npos) continue;
            ++news[line.substr(kind + 10, line.find(' ', kind + 1) - kind - 10) +
                   line.substr(item, line.find(' ', item + 1) - item)];
        }
        return news;
    }

  private:
    [[nodiscard]] std::string test_date(int day) const {
        const std::chrono::year_month_day date{tomorrow_ + std::chrono::days(day)};
        char text[16];
        std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
        return text;
    }
    const std::chrono::sys_days tomorrow_ =
        std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now() + 9h) +
        std::chrono::days(1);
};

TEST_F(ClockStepTest, SetBackAnHourAndAheadADayEachShowtimeIsToldOnceAndPollsKeepTheirPace) {
    const std::string file = with_channel();
    set_clock(0, 12h);
    Worker worker = stepped(file);
    const auto began = std::chrono::steady_clock::now();
    ASSERT_TRUE(wait_until([&] { return counts(worker, "sent", 1); }, limit)) << worker.output();

    set_clock(0, 11h);
    expect_poll_at(worker, shown(0, "11:00:0"));
    EXPECT_TRUE(counts(worker, "sent", 1));

    // Across midnight, and back in the middle of the mail about the day that has come into view.
    server_.set_mode("dot-slow");
    set_clock(0, 23h + 59min + 59s);
    ASSERT_TRUE(wait_until([&] { return server_.count("dot") == 2; }, limit)) << worker.output();
    set_clock(0, 23h);
    expect_poll_at(worker, shown(0, "23:00:0"));
    ASSERT_TRUE(wait_until([&] { return counts(worker, "sent", 2); }, limit));

    // A day ahead, of which all is known; and on, with a mail that has to be tried again: the next
    // try is planned for an hour that the clock then goes back from.
    server_.set_mode("mail-451");
    set_clock(1, 23h);
    expect_poll_at(worker, shown(1, "23:00:0"));
    const int tried = server_.count("mail");
    set_clock(2, 30min);
    ASSERT_TRUE(wait_until([&] { return server_.count("mail") > tried; }, limit))
        << worker.output();
    set_clock(1, 23h + 30min);
    server_.set_mode("accept");
    ASSERT_TRUE(wait_until([&] { return counts(worker, "sent", 3); }, limit)) << worker.output();
    expect_poll_at(worker, shown(1, "23:30:0"));

    const long before = worker.ticks();
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= before + 2; }, limit));

    // Nothing was made up for: a second at least lies between two polls.
    const auto passed = std::chrono::steady_clock::now() - began;
    EXPECT_LE(worker.ticks(), std::chrono::ceil<seconds>(passed).count() + 1);
    EXPECT_LE(simulator_.counter("total"), 3 * worker.ticks() + 3);
    EXPECT_LE(simulator_.counter("concurrent_max"), 2);
    // The showtimes of five days.
    const auto news = news_of(worker);
    EXPECT_EQ(news.size(), 5 * shows_a_day);
    for (const auto& [what, times] : news) {
        EXPECT_THAT(what, StartsWith("opened item="));
        EXPECT_EQ(times, 1) << what;
    }
    const auto mails = server_.accepted();
    EXPECT_EQ(mails.size(), 3U);
    EXPECT_EQ(std::set(mails.begin(), mails.end()).size(), 3U);
    EXPECT_TRUE(counts(worker, "queued", 0));
    EXPECT_TRUE(counts(worker, "doubtful_ever", 0));
    // It is the one that it was.
    EXPECT_TRUE(counts(worker, "duplicates_prevented", 0));
    EXPECT_EQ(test::http_get(worker.port(), "/healthz").code, 200);
    EXPECT_THAT(worker.output(), Not(HasSubstr("polling ended")));
    Worker second = start({"--standalone", "--config", file});
    EXPECT_EQ(second.process.wait(limit), (ExitStatus{exit_running, 0})) << second.output();
}

// Age is told by the clock of the day, since it has to outlast a restart: a day ahead a message
// that still waits is as old as if it had waited. Nothing is dropped in silence.
TEST_F(ClockStepTest, SetAheadByMoreThanMaxAgeAMessageThatWaitsIsGivenUpAndListed) {
    server_.set_mode("mail-451");
    set_clock(0, 12h);
    const Worker worker = stepped(with_channel("max_age = \"12h\"\n"));
    ASSERT_TRUE(wait_until([&] { return server_.count("mail") >= 2; }, limit)) << worker.output();
    set_clock(0, 11h);  // not younger than new
    const int tried = server_.count("mail");
    ASSERT_TRUE(wait_until([&] { return server_.count("mail") > tried; }, limit));
    EXPECT_TRUE(counts(worker, "dead", 0));
    set_clock(1, 11h);
    ASSERT_TRUE(wait_until([&] { return counts(worker, "dead", 1); }, limit)) << worker.output();
    EXPECT_THAT(worker.output(), HasSubstr("too old"));
    EXPECT_EQ(server_.accepted().size(), 0U);
}

// The negative control: a loop as it is usually written stands still after the one step, and makes
// up for a day after the other.
TEST_F(ClockStepTest, ControlALoopThatPlansByTheTimeOfDayStandsStillAndThenRuns) {
    set_clock(0, 12h);
    const test::Process usual({{"/usr/bin/python3", "-c",
                                "import select, time\n"
                                "due = time.time()\n"
                                "while True:\n"
                                "    if time.time() >= due:\n"
                                "        print('.', end='', flush=True)\n"
                                "        due += 1\n"
                                "    else:\n"
                                "        select.select([], [], [], 0.05)\n"},
                               "",
                               faked(),
                               dir_.file("usual")});
    const Worker worker = stepped(config("a"));
    const auto polled = [&] { return usual.output().size(); };
    ASSERT_TRUE(wait_until([&] { return polled() >= 2 && worker.ticks() >= 1; }, limit))
        << usual.output();
    set_clock(0, 11h);
    const std::size_t before = polled();  // after the step: at most one more was on its way
    const long own = worker.ticks();
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= own + 2; }, limit)) << worker.output();
    EXPECT_LE(polled(), before + 1);
    set_clock(1, 12h);
    const long then = worker.ticks();
    ASSERT_TRUE(wait_until([&] { return polled() > before + 1000; }, limit));
    EXPECT_LE(worker.ticks(), then + limit.count());
}

}  // namespace
}  // namespace oneloop
