// outbox: the life of one message, from the transaction that wrote it to the answer that ends it.
//
//   queued -> armed -> sent
//                   -> failed, tried again later -> armed -> ...
//                   -> uncertain: everything was handed over and no answer came
//                      -> looked for, under `verify` -> sent, or once more -> armed -> ...
//                   -> dead: refused for good, or too old
//
// `armed` is stored before the receiver is given the end of the payload. Without it nothing can
// have been accepted, and with it nobody can know before an answer comes: RFC 1047 (1988) is about
// this gap. It can't be closed, so it has a name, is shown, and the user says what to do in it.
// Not for storing (store_outbox.h) and not for sending (deliverer.h). Pure; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/clock.h"

namespace oneloop::worker {

enum class Phase { queued, armed, failed, sent, uncertain, dead, skipped };
std::string_view name_of(Phase phase);
// Unknown: uncertain, which claims nothing.
Phase phase_from(std::string_view name);

// What to do with a message of which nobody knows whether it arrived.
enum class OnUncertain {
    resend,  // the same bytes once more: it may arrive twice. Without an answer again: as ask
    skip,    // it may be lost and does not arrive twice
    ask,     // it waits for a person
    verify,  // it is looked for in a mailbox, and sent again when it is not there
};
std::string_view name_of(OnUncertain policy);

struct RetryRule {
    std::chrono::milliseconds first{10'000};
    std::chrono::milliseconds longest{900'000};
    std::chrono::milliseconds max_age{86'400'000};  // from being written to being given up
    OnUncertain on_uncertain = OnUncertain::resend;
    std::chrono::milliseconds look_after{60'000};  // verify: what a mailbox may need to show it
};

struct Delivery {
    Phase phase = Phase::queued;
    unsigned attempts = 0;  // tries that came to an end, or were armed
    WallTime created;
    std::optional<WallTime> next;  // not before; none: nothing more happens by itself
    // Tries that ended without an answer: there may be a copy for each, or it was skipped.
    unsigned doubtful = 0;
    std::string reply;  // the last words of the receiver, or why there were none

    friend bool operator==(const Delivery&, const Delivery&) = default;
};

// What came of a try. Accepted and Refused are answers; NotSent is known without one, because the
// receiver never had the end of the payload; NoAnswer is all the rest.
struct Accepted {
    std::string reply;
};
struct Refused {
    std::string reply;
    bool permanent = false;
};
struct NotSent {
    std::string why;
    bool nobody_there = false;  // so it is for every message of this channel
};
struct Stopped {};  // we stopped, before the end of the payload
struct NoAnswer {
    std::string why;
};
using Outcome = std::variant<Accepted, Refused, NotSent, Stopped, NoAnswer>;

// What came of a look for an uncertain message.
struct Found {
    std::string where;
};
struct Missing {};
struct CouldNotLook {
    std::string why;
};
using Look = std::variant<Found, Missing, CouldNotLook>;

// A message that was written now.
Delivery written(WallTime now);

// May it be tried now? Also when `next` is further away than any rule would put it: then the clock
// was set back.
bool due(const Delivery& delivery, const RetryRule& rule, WallTime now);
// Nobody will want it any more. What may already have arrived is not called dead.
bool expired(const Delivery& delivery, const RetryRule& rule, WallTime now);
Delivery give_up(Delivery delivery, std::string why);

// To be stored, durably, before the receiver gets the end of the payload.
Delivery arm(Delivery delivery);
// After the try, armed or not.
Delivery settle(Delivery delivery, const Outcome& outcome, const RetryRule& rule, WallTime now);
// After a start: what is armed belongs to a process that is gone, with an answer that nobody read.
Delivery recover(Delivery delivery, const RetryRule& rule, WallTime now);

// Is it to be looked for before it is sent again?
bool wants_look(const Delivery& delivery, const RetryRule& rule);
// Nothing: it is to be sent again, now.
std::optional<Delivery> after_look(Delivery delivery, const Look& look, const RetryRule& rule,
                                   WallTime now);

// What a person decides about an uncertain or a dead one; nothing: it is neither.
std::optional<Delivery> resend(Delivery delivery, WallTime now);
std::optional<Delivery> skip(Delivery delivery);

// 1: the first failure.
std::chrono::milliseconds retry_delay(const RetryRule& rule, unsigned attempts);

// How many messages of a state file are where.
struct OutboxCounts {
    std::uint64_t queued = 0;  // and armed
    std::uint64_t failed = 0;  // waiting for their next try
    std::uint64_t sent = 0;    // of those still remembered
    std::uint64_t uncertain = 0;
    std::uint64_t dead = 0;
    std::uint64_t skipped = 0;
    std::uint64_t doubtful = 0;   // ever, in this state file
    std::uint64_t overflow = 0;   // messages never written, ever
    std::uint64_t forgotten = 0;  // rows that had to go before their time, ever
    std::uint64_t held = 0;       // news that waits for the end of quiet hours

    friend bool operator==(const OutboxCounts&, const OutboxCounts&) = default;
};

}  // namespace oneloop::worker
