// Which requests a tick sends, and what becomes of them: gates, branches, budgets, shared replies.
#include "worker/inquiry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "worker/config.h"

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Date third{std::chrono::year{2025} / std::chrono::December / 3};
const LocalTime morning = at(third, 9h);

Date day(int n) {
    return Date{std::chrono::year{2025} / std::chrono::December / n};
}

class InquiryTest : public testing::Test {
  protected:
    void configure(const std::string& text) {
        const ConfigReading reading = parse_config("version = 1\n" + text, "test");
        for (const Problem& problem : reading.problems)
            ADD_FAILURE() << format_problem("test", problem);
        watches_ = reading.config.watches;
        inquiry_.emplace(
            watches_, [this](const auto& requests, std::stop_token) { return answer(requests); },
            [this] { return now_; });
    }
    void watch(const std::string& dates = R"(["2025-12-03", "2025-12-04", "2025-12-05"])",
               const std::string& source = R"(branch = "7011")") {
        configure("[[watch]]\nid = \"w\"\ndates = " + dates +
                  "\nsource = { preset = \"megabox\", " + source + " }\n");
    }
    std::vector<Finding> ask(std::size_t which = 0) {
        asked_.clear();
        times_.clear();
        const Watch& watch = watches_.at(which);
        const BootTime began = now_;
        auto round = inquiry_->begin(watch, morning);
        for (;;) {
            inquiry_->go_on(round, ledger_, stop_.get_token());
            if (round.done() || stop_.stop_requested()) break;
            now_ = inquiry_->free_at(watch, now_);
        }
        waited_ = now_ - began;
        return round.findings;
    }

    // The cinema: open dates have one show. Requests are noted as "branch date".
    std::vector<HttpReply> answer(const std::vector<HttpRequest>& requests) {
        std::vector<HttpReply> replies;
        for (const HttpRequest& request : requests) {
            std::map<std::string, std::string> form(request.form.begin(), request.form.end());
            const std::string branch = form["brchNo1"];
            const std::string date = form["playDe"];
            asked_.push_back(branch + " " + date.substr(6));
            times_.push_back(now_);
            HttpReply reply;
            reply.code = 200;
            std::string rows;
            std::string listed;
            for (int n = 3; n <= 20; ++n) {
                const std::string one = format_date(day(n), "%Y%m%d");
                const bool is_open = open_[branch].contains(n);
                listed += (n > 3 ? "," : "") + ("{\"playDe\":\"" + one) + "\",\"formAt\":\"" +
                          (is_open ? "Y" : "N") + "\"}";
                if (is_open && one == date)
                    rows = R"({"playSchdlNo":")" + branch + date + R"(","brchNo":")" + branch +
                           R"(","playDe":")" + date + R"(","playStartTime":"19:00"})";
            }
            reply.body = R"({"statCd":0,"megaMap":{"movieFormList":[)" + rows + "]" +
                         (with_list_ ? R"(,"movieFormDeList":[)" + listed + "]" : "") + "}}";
            if (const auto bad = bad_.find(asked_.back()); bad != bad_.end()) reply = bad->second;
            replies.push_back(reply);
        }
        return replies;
    }
    static HttpReply status(int code) {
        HttpReply reply;
        reply.code = code;
        return reply;
    }
    static std::vector<std::string> kinds(const std::vector<Finding>& findings) {
        std::vector<std::string> result;
        for (const Finding& finding : findings) {
            static const char* const names[] = {"rows", "empty", "blocked", "shape"};
            result.push_back(format_date(finding.date, "%d ") +
                             (finding.answer ? names[finding.answer->index()] : "down"));
        }
        return result;
    }
    void know(const std::string& id, Date date, State state = State::available) {
        Known known;
        known.item.id = id;
        known.item.date = date;
        known.item.start_clock = 19h;
        known.state = state;
        ledger_[id] = known;
    }

    std::vector<Watch> watches_;
    std::optional<Inquiry> inquiry_;
    BootTime now_{1h};
    Ledger ledger_;
    std::stop_source stop_;
    std::map<std::string, std::set<int>> open_;
    std::map<std::string, HttpReply> bad_;
    bool with_list_ = true;
    std::vector<std::string> asked_;
    std::vector<BootTime> times_;  // when each was sent
    BootTime::duration waited_{0};
};

TEST_F(InquiryTest, AClosedCinemaIsOneRequestHoweverManyDates) {
    watch();
    EXPECT_THAT(kinds(ask()), ElementsAre("03 empty", "04 empty", "05 empty"));
    EXPECT_THAT(asked_, ElementsAre("7011 03"));
}

TEST_F(InquiryTest, OnlyTheDatesThatTheListHasAreAskedFor) {
    watch();
    open_["7011"] = {5};
    EXPECT_THAT(kinds(ask()), ElementsAre("03 empty", "04 empty", "05 rows"));
    EXPECT_THAT(asked_, ElementsAre("7011 03", "7011 05"));
    // The list ends before a date: not open yet.
    watch(R"(["2025-12-03", "2025-12-30"])");
    EXPECT_THAT(kinds(ask()), ElementsAre("03 empty", "30 empty"));
    EXPECT_THAT(asked_, ElementsAre("7011 03"));
}

// Control: without its list every date costs a request, as it did before there was a gate.
TEST_F(InquiryTest, WithoutAListEveryDateIsAskedFor) {
    watch();
    with_list_ = false;
    EXPECT_THAT(kinds(ask()), ElementsAre("03 empty", "04 empty", "05 empty"));
    EXPECT_THAT(asked_, SizeIs(3));
}

// A list that says "closed" must not make known showtimes vanish.
TEST_F(InquiryTest, ADateWithKnownShowtimesIsAskedForWhateverTheListSays) {
    watch();
    know("a", day(4));
    know("b", day(5), State::gone);
    ask();
    EXPECT_THAT(asked_, ElementsAre("7011 03", "7011 04"));
}

TEST_F(InquiryTest, AFailedGateIsNoReasonNotToAskTheRest) {
    watch();
    open_["7011"] = {3, 4, 5};
    bad_["7011 03"] = status(403);
    EXPECT_THAT(kinds(ask()), ElementsAre("03 blocked", "04 rows", "05 rows"));
    bad_["7011 03"].code = 0;
    bad_["7011 03"].error = "time-out";
    EXPECT_THAT(kinds(ask()), ElementsAre("03 down", "04 rows", "05 rows"));
    bad_["7011 03"] = status(200);
    EXPECT_THAT(kinds(ask()), ElementsAre("03 shape", "04 rows", "05 rows"));
}

TEST_F(InquiryTest, WhoAsksForCalmIsAskedNothingMore) {
    watch();
    open_["7011"] = {3, 4, 5};
    HttpReply calm = status(403);
    calm.retry_after = 60s;
    for (const HttpReply& refusal : {calm, status(429), status(503)}) {
        bad_["7011 03"] = refusal;
        EXPECT_THAT(kinds(ask()), ElementsAre("03 blocked", "04 blocked", "05 blocked"));
        EXPECT_THAT(asked_, ElementsAre("7011 03"));
        // ...by nobody: the pause is the host's.
        EXPECT_GE(inquiry_->free_at(watches_[0], now_), now_ + 30s);
        now_ += 10min;
    }
}

// A round that waits for its turn ends when its host asks for calm, whichever watch hears it.
TEST_F(InquiryTest, WhoAsksForCalmMeanwhileIsAskedNothingMore) {
    const std::string source =
        "dates = [\"2025-12-03\", \"2025-12-04\", \"2025-12-05\"]\nsource = { preset = "
        "\"megabox\", branch = ";
    configure("[[watch]]\nid = \"a\"\n" + source + "\"7011\" }\n[[watch]]\nid = \"b\"\n" + source +
              "\"1351\" }\n");
    open_["7011"] = {3, 4, 5};
    auto waiting = inquiry_->begin(watches_[0], morning);
    inquiry_->go_on(waiting, ledger_, {});
    EXPECT_FALSE(waiting.done());
    EXPECT_THAT(asked_, ElementsAre("7011 03", "7011 04"));
    now_ += 1s;
    bad_["1351 03"] = status(429);
    auto refused = inquiry_->begin(watches_[1], morning);
    inquiry_->go_on(refused, ledger_, {});
    EXPECT_TRUE(refused.done());
    now_ += 1s;
    inquiry_->go_on(waiting, ledger_, {});
    EXPECT_TRUE(waiting.done());
    EXPECT_THAT(kinds(waiting.findings), ElementsAre("03 rows", "04 rows", "05 blocked"));
    EXPECT_THAT(asked_, SizeIs(3));
}

TEST_F(InquiryTest, OpenDatesAreWhatTheListSays) {
    watch("\"open\"");
    open_["7011"] = {4, 9, 20};
    EXPECT_THAT(kinds(ask()), ElementsAre("03 empty", "04 rows", "09 rows", "20 rows"));
    know("a", day(11));  // gone from the list, and we want to see it go
    EXPECT_THAT(kinds(ask()), ElementsAre("03 empty", "04 rows", "09 rows", "11 empty", "20 rows"));
    bad_["7011 03"] = status(200);
    EXPECT_THAT(kinds(ask()), ElementsAre("03 shape", "11 empty"));
}

TEST_F(InquiryTest, EachBranchHasItsOwnGate) {
    watch(R"(["2025-12-03", "2025-12-04"])", R"(branch = ["7011", "1351"])");
    open_["1351"] = {4};
    const auto findings = ask();
    EXPECT_THAT(kinds(findings), ElementsAre("03 empty", "03 empty", "04 empty", "04 rows"));
    EXPECT_THAT(asked_, ElementsAre("7011 03", "1351 03", "1351 04"));
    EXPECT_EQ(findings[0].source, "7011");
    EXPECT_EQ(findings[3].source, "1351");
}

TEST_F(InquiryTest, RequestsWaitForTheirTurn) {
    watch();
    open_["7011"] = {3, 4, 5};
    const BootTime began = now_;
    ask();
    EXPECT_THAT(times_, ElementsAre(began, began, began + 1s));
    EXPECT_EQ(waited_, 1s);
    EXPECT_EQ(inquiry_->free_at(watches_[0], now_), now_ + 1s);
    configure(
        "[[watch]]\nid = \"w\"\ndates = [\"2025-12-03\"]\nsource = { preset = \"megabox\", "
        "branch = \"7011\" }\n[preset.megabox]\nserver = \"http://127.0.0.1:1\"\n");
    for (int i = 0; i < 50; ++i)
        ask();
    EXPECT_EQ(inquiry_->free_at(watches_[0], now_), now_);
}

TEST_F(InquiryTest, TwoWatchesWithTheSameQuestionsSendThemOnce) {
    const std::string source =
        "dates = [\"2025-12-03\"]\nsource = { preset = \"megabox\", branch = ";
    configure("[[watch]]\nid = \"a\"\n" + source + "\"7011\" }\n[[watch]]\nid = \"b\"\n" + source +
              "\"7011\" }\nwhere = [ { field = \"title\", contains = \"x\" } ]\n" +
              "[[watch]]\nid = \"c\"\n" + source + "\"1351\" }\n");
    open_["7011"] = {3};
    EXPECT_TRUE(inquiry_->same_questions(watches_[0], watches_[1]));
    EXPECT_FALSE(inquiry_->same_questions(watches_[0], watches_[2]));
    EXPECT_THAT(kinds(ask(0)), ElementsAre("03 rows"));
    EXPECT_THAT(kinds(ask(1)), ElementsAre("03 rows"));
    EXPECT_THAT(asked_, IsEmpty());
    ask(2);
    EXPECT_THAT(asked_, ElementsAre("1351 03"));
    ask(2);  // nobody shares with it, so its own reply is not kept for it
    EXPECT_THAT(asked_, SizeIs(1));
    now_ += 16s;  // more than half a period: what there is, is old
    ask(1);
    EXPECT_THAT(asked_, ElementsAre("7011 03"));
}

TEST_F(InquiryTest, AfterAStopNothingMoreIsSent) {
    watch();
    open_["7011"] = {3, 4, 5};
    stop_.request_stop();
    ask();
    EXPECT_THAT(asked_, SizeIs(1));  // the fetcher, which is not here, refuses that one too
}

}  // namespace
}  // namespace oneloop::worker
