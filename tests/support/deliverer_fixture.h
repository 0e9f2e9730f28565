// DelivererTest: a Deliverer with a real state file, the clock and what comes of a try in the
// test's hands.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/process.h"
#include "worker/deliverer.h"
#include "worker/store.h"

namespace oneloop::worker::test_deliverer {

using namespace std::chrono_literals;

inline constexpr Date day{std::chrono::year{2025} / std::chrono::December / 3};
inline const WallTime noon{std::chrono::sys_days{day} + 12h};

class DelivererTest : public testing::Test {
  protected:
    DelivererTest() {
        for (const char* id : {"me", "hook"}) {
            Channel channel;
            channel.id = id;
            channel.url.value = "smtp://127.0.0.1:1";
            channel.tls = Channel::Tls::off;
            channel.from = {"", "a@example.com"};
            channel.timeout = 5s;
            channels_.push_back(channel);
        }
    }

    void put(const std::vector<std::pair<std::string, std::string>>& messages) {
        Store store(path_);
        (void)store.load_watch("w");
        Alerts alerts;
        for (const auto& [key, channel] : messages) {
            alerts.messages.push_back({key,
                                       channel,
                                       "b@example.org",
                                       "s",
                                       "Message-ID: <oneloop." + key + "@x>\r\n\r\nbody\r\n",
                                       {}});
        }
        ASSERT_TRUE(store.commit("w", {}, {}, day, alerts, now_));
    }

    // The outcomes of `outcomes_`, one a try; Accepted when there is none left.
    std::unique_ptr<Deliverer> make() {
        Deliverer::Parts parts = usual();
        parts.send = sender();
        return std::make_unique<Deliverer>(channels_, OutboxStore(path_), std::move(parts));
    }
    std::function<void(const Channel&, const Parcel&, const Hooks&, const std::stop_token&)>
    sender() {
        return [this](const Channel& channel, const Parcel& parcel, const Hooks& hooks,
                      const std::stop_token&) {
            tried_.push_back(channel.id + ":" + parcel.key);
            Outcome outcome = Accepted{"250"};
            if (!outcomes_.empty()) {
                outcome = outcomes_.front();
                outcomes_.erase(outcomes_.begin());
            }
            const bool complete = !std::holds_alternative<NotSent>(outcome);
            if (complete && !hooks.arm()) outcome = Stopped{};
            if (complete && during_) during_();
            hooks.settled(outcome);
        };
    }
    Deliverer::Parts usual() {
        Deliverer::Parts parts;
        parts.now = [this] { return now_; };
        parts.may_continue = [this] { return allowed_; };
        parts.changed = [this](const OutboxCounts& counts, const auto&) { counts_ = counts; };
        parts.report = [](const StoredMessage&, const Delivery&) {};
        return parts;
    }
    static void drain(Deliverer& deliverer) {
        while (deliverer.step({}) == Deliverer::Step::tried) {
        }
    }
    Phase phase(const std::string& key) { return OutboxStore(path_).find(key)->life.phase; }

    test::TempDir dir_;
    std::string path_ = dir_.file("s.db");
    std::vector<Channel> channels_;
    WallTime now_ = noon;
    bool allowed_ = true;
    std::function<void()> during_;
    std::vector<Outcome> outcomes_;
    std::vector<std::string> tried_;
    OutboxCounts counts_;
};

}  // namespace oneloop::worker::test_deliverer
