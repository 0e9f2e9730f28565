#include "worker/by_hand.h"

namespace oneloop::worker {

ByHand decide_by_hand(OutboxStore& store, const std::string& key, bool again, WallTime now) {
    const auto message = store.find(key);
    if (!message) return ByHand::unknown;
    const auto after = again ? resend(message->life, now) : skip(message->life);
    if (!after) return ByHand::not_open;
    if (again && store.payload(message->id).empty()) return ByHand::forgotten;
    return store.save(message->id, message->life, *after, now) ? ByHand::done : ByHand::changed;
}

}  // namespace oneloop::worker
