// The eight defects of the program that this one replaces, beside its double loop: what it did
// wrong is done here once more, to the real poller, the real store and, where mail is the matter, a
// real exchange with a mail server.
#include "tests/support/poller_fixture.h"
#include "tests/support/receivers.h"
#include "tests/support/wait.h"
#include "worker/deliver_thread.h"
#include "worker/delivering.h"
#include "worker/store_outbox.h"

namespace oneloop::worker::test_poller {
namespace {

using testing::HasSubstr;
using testing::Not;

using DefectTest = PollerTest;

// Defect 1: with two dates, the second show at 19:00 was never announced.
TEST_F(DefectTest, Defect1TheSameStartOnTwoDatesIsTwoEvents) {
    tick({good(row("1", "20251203", 5)), good(row("2", "20251204", 5))});
    EXPECT_THAT(printed_, HasSubstr("item=1 "));
    EXPECT_THAT(printed_, HasSubstr("item=2 "));
}

// Defect 2: what was announced lived in memory only.
TEST_F(DefectTest, Defect2ARestartAnnouncesNothingAgain) {
    tick({good(row("1", "20251203", 5)), good("")});
    EXPECT_THAT(printed_, HasSubstr("event.opened"));
    restart();
    EXPECT_TRUE(seen()->open);  // known before the first poll: no flip to closed and back
    EXPECT_EQ(seen()->rows.size(), 1U);
    tick({good(row("1", "20251203", 4)), good("")});
    EXPECT_THAT(printed_, Not(HasSubstr("event.")));
    EXPECT_THAT(printed_, HasSubstr("tick=2 "));
}

// Defect 4: a block page looked like "not open yet".
TEST_F(DefectTest, Defect4ABrokenSourceIsSaidAndClosesNothing) {
    tick({good(row("1", "20251203", 5)), good("")});
    HttpReply html = status(200);
    html.body = "<html>";
    for (const auto& [reply, source] : {std::pair{html, "blocked"},
                                        {status(403), "blocked"},
                                        {status(200), "shape"},
                                        {down(), "down"}}) {
        EXPECT_EQ(tick({reply, reply}), Outcome::done);
        EXPECT_EQ(seen()->source, source);
        EXPECT_THAT(printed_, HasSubstr(std::string("source=") + source));
        EXPECT_THAT(printed_, Not(HasSubstr("event.")));
        EXPECT_TRUE(seen()->open);
        EXPECT_EQ(seen()->checked, "2025-12-02 12:00:00");  // the last time it could be read
    }
}

// Defect 5: an exception on date 2 discarded the result of date 1.
TEST_F(DefectTest, Defect5OneDateFailsTheOtherCounts) {
    for (const auto& bad : {down(), status(403), status(200)}) {
        const std::string id = std::to_string(requests_ + 1);
        tick({good(row(id, "20251203", 5)), bad});
        EXPECT_THAT(printed_, HasSubstr("event.opened"));
        EXPECT_THAT(printed_, HasSubstr("12/04"));
        const std::string other = std::to_string(requests_ + 1);
        tick({bad, good(row(other, "20251204", 5))});
        EXPECT_THAT(printed_, HasSubstr("item=" + other + " "));
        EXPECT_THAT(printed_, Not(HasSubstr("event.gone watch=w item=" + id)));
        tick({good(""), good("")});
    }
}

// Defect 6: a sold-out show counted as open, and returned seats were no event.
TEST_F(DefectTest, Defect6SeatsDecideWhetherItIsOpen) {
    tick({good(row("1", "20251203", 0)), good("")});
    EXPECT_FALSE(seen()->open);
    EXPECT_EQ(seen()->rows.size(), 1U);
    tick({good(row("1", "20251203", 1)), good("")});
    EXPECT_THAT(printed_, HasSubstr("event.available"));
    EXPECT_TRUE(seen()->open);
    tick({good(row("1", "20251203", 0)), good("")});
    EXPECT_THAT(printed_, HasSubstr("event.sold_out"));
    EXPECT_FALSE(seen()->open);
}

// Defect 7: a keyword missed a title with entities.
TEST_F(DefectTest, Defect7AKeywordMeetsADecodedTitle) {
    tick({good(row("1", "20251203", 5, "&#48324;의 아이")), good("")});
    EXPECT_THAT(printed_, HasSubstr("event.opened"));
}

// Defect 3: a show counted as notified before the mail was sent, and the error of sending it was
// swallowed: one failure of the mail server, and it was lost for ever.
TEST_F(DefectTest, Defect3AMailThatFailsIsSentLaterAndOnce) {
    const test::Receiver server = test::Receiver::scripted("smtp_script.py", "mail-451");
    ConfigReading reading = parse_config(
        "version = 1\n[[channel]]\nid = \"me\"\nkind = \"smtp\"\n"
        "url = \"smtp://127.0.0.1:" +
            std::to_string(server.port()) +
            "\"\ntls = \"off\"\nfrom = \"a@example.com\"\n"
            "to = [\"b@example.org\"]\nretry = \"100ms..200ms\"\n"
            "[[watch]]\nid = \"w\"\nchannels = [\"me\"]\n"
            "dates = [\"2025-12-03\", \"2025-12-04\"]\n"
            "source = { preset = \"megabox\", branch = \"7011\" }\n",
        "test");
    ASSERT_TRUE(reading.problems.empty()) << reading.problems[0].message;
    config_ = reading.config;
    now_.wall = Wall::now();  // deliveries have a clock of their own
    config_.watches[0].dates.list = {date_of(Zone::named("Asia/Seoul")->local(now_.wall + 24h))};
    const std::string date = format_date(config_.watches[0].dates.list[0], "%Y%m%d");
    restart();
    tick({good("")});
    tick({good(row("1", date, 5))});
    auto deliverers = make_deliverers(config_, dir_.file("s.db"), Zone::named("Asia/Seoul").value(),
                                      board_, [] { return true; });
    DeliverThread deliver(std::move(deliverers.at(0)));
    ASSERT_TRUE(test::wait_until([&] { return server.count("mail") >= 2; }, 20s));
    EXPECT_TRUE(server.accepted().empty());
    restart();
    tick({good(row("1", date, 5))});  // nothing is told a second time because of it
    server.set_mode("accept");
    ASSERT_TRUE(test::wait_until([&] { return !server.accepted().empty(); }, 20s));
    OutboxStore outbox(dir_.file("s.db"));
    ASSERT_TRUE(test::wait_until([&] { return outbox.counts().sent == 1; }, 20s));
    EXPECT_TRUE(outbox.open_messages().empty());
    deliver.request_stop();
    deliver.join();
    EXPECT_EQ(server.accepted().size(), 1U);
}

// Defect 8: it slept after the work, so that the period was longer than it was set to; always as
// long as the others did; as often when the server failed; and nobody was told that it failed.
TEST_F(DefectTest, Defect8APeriodIsFromStartToStart) {
    const BootTime first = now_.boot;
    during_fetch_ = [this] { pass(3s); };  // the cinema takes its time, twice
    for (int i = 0; i < 10; ++i)
        tick({});
    EXPECT_EQ(poller_->due() - first, 300s);
}
TEST_F(DefectTest, Defect8PollsAreSpreadSlowDownAndTheFailureIsTold) {
    tick({});
    BootTime before = poller_->due();
    roll_ = 1;
    tick({});
    EXPECT_EQ(poller_->due() - before, 33s);
    before = poller_->due();
    roll_ = -1;
    tick({});
    EXPECT_EQ(poller_->due() - before, 27s);
    roll_ = 0;
    std::vector<std::chrono::seconds> distances;
    for (int i = 0; i < 8; ++i) {
        before = poller_->due();
        tick({status(500), status(500)});
        distances.push_back(std::chrono::round<std::chrono::seconds>(poller_->due() - before));
        EXPECT_THAT(printed_, HasSubstr("source=blocked"));
    }
    EXPECT_EQ(distances,
              (std::vector<std::chrono::seconds>{30s, 30s, 30s, 30s, 32s, 64s, 128s, 256s}));
    EXPECT_EQ(seen()->source, "blocked");
    // That it is told by mail, once: AlertTest.ASourceThatFailsIsToldOnceAndItsRecoveryToo.
}

}  // namespace
}  // namespace oneloop::worker::test_poller
