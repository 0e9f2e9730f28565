// PollerTest: a Poller with the clock, the cinema and chance in the test's hands, and a real store.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "tests/support/process.h"
#include "worker/poller.h"

namespace oneloop::worker::test_poller {

using namespace std::chrono_literals;
using Outcome = Poller::Outcome;

// 2025-12-02 12:00 in Seoul.
inline const WallTime noon{std::chrono::sys_days{std::chrono::year{2025} / 12 / 2} + 3h};

inline std::string row(const std::string& id, const std::string& date, int seats,
                       const std::string& title = "별의 아이", const std::string& start = "19:00") {
    return R"({"playSchdlNo":")" + id + R"(","brchNo":"7011","rpstMovieNm":")" + title +
           R"(","playDe":")" + date + R"(","playStartTime":")" + start +
           R"(","playEndTime":"21:00","theabExpoNm":"1관","restSeatCnt":)" + std::to_string(seats) +
           R"(,"totSeatCnt":100,"bokdAbleAt":"Y"})";
}

inline HttpReply good(const std::string& rows) {
    HttpReply reply;
    reply.code = 200;
    reply.body = R"({"statCd":0,"megaMap":{"movieFormList":[)" + rows + "]}}";
    return reply;
}
inline HttpReply status(int code) {
    HttpReply reply;
    reply.code = code;
    return reply;
}
inline HttpReply down() {
    HttpReply reply;
    reply.error = "refused";
    return reply;
}

class PollerTest : public testing::Test {
  protected:
    PollerTest() {
        ConfigReading reading = parse_config(R"(version = 1
[[watch]]
id = "w"
dates = ["2025-12-03", "2025-12-04"]
where = [ { field = "title", contains = "별의아이" } ]
source = { preset = "megabox", branch = "7011" }
)",
                                             "test");
        config_ = reading.config;
        restart();
    }

    void restart() {
        poller_.reset();
        Poller::Parts parts;
        parts.fetch = [this](const std::vector<HttpRequest>& requests, std::stop_token) {
            requests_ += static_cast<int>(requests.size());
            sent_.insert(sent_.end(), requests.begin(), requests.end());
            if (during_fetch_) during_fetch_();
            std::vector<HttpReply> replies;
            for (std::size_t i = 0; i < requests.size(); ++i) {
                replies.push_back(replies_.empty() ? good("") : replies_.front());
                if (!replies_.empty()) replies_.pop_front();
            }
            now_.boot += 50ms;
            now_.wall += 50ms;
            return replies;
        };
        parts.print = [this](const std::string& text) { printed_ = text; };
        parts.now = [this] { return now_; };
        parts.paused = [this] { return paused_; };
        parts.muted = [this](const std::string& watch) { return muted_.contains(watch); };
        parts.roll = [this] { return roll_; };
        parts.may_continue = [this] { return allowed_; };
        poller_ = std::make_unique<Poller>(config_, Store(dir_.file("s.db"), most_bytes_), board_,
                                           Zone::named("Asia/Seoul").value(),
                                           Style{LogFormat::logfmt, Language::ko, "j"}, parts);
    }

    // Lets the time go to the next due tick and turns the crank.
    Outcome tick(std::initializer_list<HttpReply> replies) {
        replies_ = replies;
        printed_.clear();
        for (;;) {
            pass(std::max(poller_->due() - now_.boot, BootTime::duration{0}));
            const Outcome outcome = poller_->tick(now_, stop_.get_token());
            if (outcome != Outcome::waiting) return outcome;
        }
    }
    void pass(std::chrono::nanoseconds time) {
        now_.boot += time;
        now_.wall += std::chrono::duration_cast<WallTime::duration>(time);
    }
    std::shared_ptr<const Snapshot> seen() const { return board_.read(); }

    test::TempDir dir_;
    Config config_;
    StatusBoard board_;
    Moment now_{BootTime(1h), noon};
    std::deque<HttpReply> replies_;
    std::function<void()> during_fetch_;
    std::stop_source stop_;
    std::set<std::string> paused_;
    std::set<std::string> muted_;
    std::string printed_;
    int requests_ = 0;
    std::vector<HttpRequest> sent_;
    bool allowed_ = true;
    double roll_ = 0;  // of the jitter, from -1 to 1
    std::uint64_t most_bytes_ = 0;
    std::unique_ptr<Poller> poller_;
};

}  // namespace oneloop::worker::test_poller
