// Poller: when the state file can't be written, or had to be begun anew.
//
// On a full disk polls go on and what they see is shown. Nothing of it is stored, so it is news
// again for the first poll that can store it: alerts wait, and are told once.
#include "worker/poller.h"

namespace oneloop::worker {
namespace {

constexpr std::chrono::hours note_for{7 * 24};  // after the new file was begun

}  // namespace

bool Poller::writing(const std::function<bool()>& write) {
    try {
        const bool done = write();
        trouble_.clear();
        return done;
    } catch (const StoreUnwritable& error) {
        trouble_ = error.what();
    } catch (const StoreDamaged& error) {
        trouble_ = error.what();
    }
    return false;
}

Poller::Outcome Poller::unsaved(Entry& entry, Reading reading, const WatchState& next, Moment now) {
    ++unsaved_ticks_;
    entry.state.failures = next.failures;
    entry.state.due = next.due;
    entry.unsaved = entry.ledger;
    for (Known& known : reading.rows)
        entry.unsaved.insert_or_assign(known.item.id, known);
    entry.source = overall(reading.dates);
    if (reading.any_read) checked_ = now.wall;
    publish(&entry);
    return Outcome::unsaved;
}

void Poller::remember(WatchState& state, const Alerts& alerts, WallTime now) {
    if (alerts.told) state.told = *alerts.told;
    if (!alerts.down_told) return;
    state.down_told = *alerts.down_told ? std::optional(now) : std::nullopt;
}

void Poller::learn_of_new_file(WallTime now) {
    const auto aside = store_.set_aside_file();
    if (!aside) return;
    aside_ = aside->name;
    if (now - aside->at > note_for) return;
    note_ =
        config_.language == Language::ko
            ? "상태 파일을 읽을 수 없어 " + aside_ +
                  "(으)로 옮겨 두고 새로 시작했습니다. 아래에는 이미 알린 것이 있을 수 있고, 아직 "
                  "보내지 못한 알림은 그 파일에만 있습니다."
            : "The state file could not be read. It was set aside as " + aside_ +
                  " and a new one begun. Some of this may have been told before, and what had "
                  "not been sent yet is in that file only.";
}

std::uint64_t Poller::store_bytes() {
    try {
        return store_.bytes();
    } catch (const StoreError&) {
        return 0;
    }
}

}  // namespace oneloop::worker
