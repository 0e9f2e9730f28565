// Deliverer: takes messages out of the outbox, in their order, and hands them over one by one.
//
//   due? -> payload -> channel (armed before the end of the payload) -> what came of it -> stored
//
// Passive: step() is called by its own thread (deliver_thread.h) or by a test that turns the crank.
// A channel where nobody is there is left alone for a while, with all its messages: a dead mail
// server costs one time-out then, and not one for each message. So that one that hangs holds up
// nobody else's, each channel has a Deliverer and a thread of its own (delivering.h).
// Not for what an outcome means (outbox.h, verdict.h). One thread; it shares nothing with the
// polling thread but the state file.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "worker/channel.h"
#include "worker/mailer.h"
#include "worker/store_outbox.h"

namespace oneloop::worker {

class Deliverer {
  public:
    struct Parts {
        // One try; blocks. See Hooks.
        std::function<void(const Channel&, const Parcel&, const Hooks&, const std::stop_token&)>
            send;
        // Is it where its receiver keeps what it accepted? Blocks. For channels that verify.
        std::function<Look(const Channel&, const Parcel&, const std::stop_token&)> look = {};
        std::function<WallTime()> now;
        // In quiet hours of the channel: when they end. Nothing is tried before.
        std::function<std::optional<WallTime>(const Channel&, WallTime)> quiet = {};
        std::function<bool()> may_continue;  // is this process still the one that may?
        StoreLimits limits = {};
        // After every change.
        std::function<void(OutboxCounts, std::vector<StoredMessage> uncertain)> changed;
        std::function<void(const StoredMessage&, const Delivery&)> report;  // what came of a try
    };
    enum class Step { idle, tried, refused };

    // Settles what an earlier process left armed. Only what is in `share` is its business: of
    // channels, and of those that are not configured any more. Throws StoreError.
    Deliverer(std::vector<Channel> channels, OutboxStore store, Parts parts, Share share = {});

    // At most one try. Throws StoreError; the next call is welcome.
    Step step(std::stop_token stop);

    // Until the next try that is planned, as of now; at least look again then.
    [[nodiscard]] std::chrono::milliseconds wait() const;

  private:
    struct Unsaved {
        StoredMessage message;
        Delivery before, after;
    };
    struct Pause {
        WallTime until;
        unsigned failures = 0;
    };

    [[nodiscard]] const Channel* channel_of(const std::string& id) const;
    bool paused(const Channel& channel, WallTime now);
    // True when something was done.
    bool look_and_attempt(const Channel& channel, const StoredMessage& message,
                          std::stop_token stop);
    void attempt(const Channel& channel, const StoredMessage& message, std::stop_token stop);
    void settle_pause(const Channel& channel, const Outcome& outcome);
    void store(const StoredMessage& message, const Delivery& before, const Delivery& after);
    void flush_unsaved();
    void publish();

    std::vector<Channel> channels_;
    OutboxStore store_;
    Parts parts_;
    Share share_;
    std::map<std::string, Pause> pauses_;
    // What came of a try and could not be written, on a full disk: until it is, nothing else is
    // tried, or the same message would go out again.
    std::optional<Unsaved> unsaved_;
    std::optional<WallTime> next_;
    WallTime forgotten_;
    int seen_ = 0;  // version of the state file that was published
};

}  // namespace oneloop::worker
