// Poller: one tick is one watch polled, all its dates.
//
//   claim -> inquiry (fetch, feed) -> reading (diff) -> compose -> one transaction -> print ->
//   publish
//
// The order is the promise: the tick is claimed before a byte is sent, and nothing is printed that
// was not stored. While its host's budget lets no request through, the tick rests as a state of its
// watch, and watches of other hosts have their turn. Passive: tick() is called by the polling
// thread (poll_thread.h) or by a test that turns the crank; clock, network and chance come in
// through Parts. Not for locks: `may_continue` says whether this process is still the one. One
// thread.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "common/clock.h"
#include "worker/config.h"
#include "worker/held.h"
#include "worker/inquiry.h"
#include "worker/reading.h"
#include "worker/status_board.h"
#include "worker/store.h"
#include "worker/zone.h"

namespace oneloop::worker {

struct Moment {
    BootTime boot;
    WallTime wall;
};

class Poller {
  public:
    struct Parts {
        Inquiry::Fetch fetch;
        std::function<void(const std::string&)> print;  // one line or block, with its newline
        std::function<Moment()> now;
        std::function<double()> roll;        // in [-1, 1], for the jitter
        std::function<bool()> may_continue;  // asked before each tick's side effects
        // What a tick has written into the outbox, if anything; after the transaction.
        std::function<void(const Alerts&)> wrote = {};
        // What a tick saw, after it was stored; and whether nobody is to be told about this watch.
        std::function<void(const TickReport&)> ticked = {};
        std::function<bool(const std::string& watch)> muted = {};
        // The watches that are not to be polled.
        std::function<std::set<std::string>()> paused = {};
    };

    enum class Outcome {
        idle,     // no watch is due
        waiting,  // asked what its host lets through now; the same tick goes on later
        done,     // polled, stored, published
        stopped,  // a stop came while waiting for the cinema; nothing was stored
        refused,  // may_continue said no, nothing was sent or stored
        raced,    // somebody else had claimed the tick; the watch was read again
        unsaved,  // polled and shown; the state file can't be written, so nothing is told
                  // (trouble())
    };

    // `board` already shows who we are; ticks change the rest. Throws StoreError.
    Poller(const Config& config, Store store, StatusBoard& board, Zone zone, Style style,
           Parts parts);
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    // When the next tick is due; BootTime::max(): every watch is paused or has ended, and nothing
    // is held back.
    [[nodiscard]] BootTime due() const;

    // Why the state file can't be written now; empty: it can.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

    // Whether a tick waits for its host, so that what is shown is about to change.
    [[nodiscard]] bool midway() const;

    // Polls the watch that has been due longest and whose host may be asked, or goes on with it.
    // Throws StoreError; the tick is then lost, its watch planned one period later, and the next
    // call is welcome.
    Outcome tick(Moment now, std::stop_token stop);

    // Moves the next poll of this watch forward, as far as politeness allows; while it is being
    // polled, as soon as that is over. False: not possible.
    bool hurry(const std::string& watch, BootTime now);

    // Asks anew what is paused. A watch that goes on does so with the ledger it had: what happened
    // meanwhile is news of one tick.
    void heed_pauses(BootTime now);

  private:
    // A tick that was begun: nothing of it is stored yet but its claim.
    struct Begun {
        Inquiry::Round round;
        Moment at;
        BootTime due;  // when it should have begun
        bool claimed = false;
    };
    struct Entry {
        const Watch* watch;
        WatchState state;
        Ledger ledger;
        Ledger unsaved;  // the same with what could not be stored; to be shown, and no more
        BootTime due;
        Source source = Source::starting;
        BootTime polled = BootTime::min();
        BootTime answered = BootTime::min();  // when its last round was done
        // What could not be read when a silent watch was new: what is there then is no news either.
        std::set<DatePart::Key> unread = {};
        std::optional<Begun> begun = {};  // its tick, while it waits for its host
        bool paused = false;
        bool ended = false;  // the last of its days is over
        bool again = false;  // somebody wants a poll after the one that waits for its host
        bool along = false;  // its replies are there; its host's turn need not come first
        [[nodiscard]] bool idle() const { return paused || ended; }
    };

    // poller_turn.cpp
    [[nodiscard]] std::chrono::nanoseconds clock_at(WallTime wall) const;
    // Looks which watches have ended, or go on since the clock was set back. True: it has changed.
    bool learn_ends(WallTime now);
    // `moved`: a watch was planned later, since its host may not be asked before.
    Entry* next_entry(BootTime now, bool& moved);
    // Nothing: somebody else had claimed it.
    std::optional<Begun> begin(Entry& entry, Moment now);
    void take_along(const Entry& polled, BootTime now);
    // poller.cpp
    Outcome finish(Entry& entry, Reading reading, Moment started, Moment ended, bool claimed);
    Alerts bulletin_of(const Entry& entry, const Reading& reading, unsigned failures, Moment now);
    // poller_store.cpp
    // False without a word when `write` says so; and with `trouble_` when the file can't be
    // written.
    bool writing(const std::function<bool()>& write);
    Outcome unsaved(Entry& entry, Reading reading, const WatchState& next, Moment now);
    void learn_of_new_file(WallTime now);
    std::uint64_t store_bytes();
    static void remember(WatchState& state, const Alerts& alerts, WallTime now);
    // poller_alerts.cpp
    bool learn_pauses(BootTime now);
    // False: there is something to tell, but this process is no longer the one that may.
    [[nodiscard]] bool tell_held(Moment now);
    [[nodiscard]] BootTime held_due() const;
    [[nodiscard]] static bool digest_due(const Entry& entry);
    void publish(const Entry* last);

    const Config& config_;
    Store store_;
    StatusBoard& board_;
    Zone zone_;
    Style style_;
    Parts parts_;
    Inquiry inquiry_;
    Held held_;
    std::vector<Entry> entries_;
    std::optional<WallTime> checked_;
    Prevented prevented_;
    std::chrono::nanoseconds lag_{0};
    std::string trouble_;
    std::uint64_t unsaved_ticks_ = 0;
    std::string note_;   // for the first digest of a new state file
    std::string aside_;  // where an earlier one lies that could not be read
};

}  // namespace oneloop::worker
