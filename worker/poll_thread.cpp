#include "worker/poll_thread.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "common/log.h"

namespace oneloop::worker {
namespace {

constexpr std::chrono::milliseconds lock_retry{1'000};

// Says why nothing is stored, or that all is well again.
void publish_trouble(StatusBoard& board, const std::string& why) {
    if (board.read()->trouble == why) return;
    Snapshot snapshot = *board.read();
    snapshot.trouble = why;
    board.publish(std::move(snapshot));
}

void wait(std::chrono::nanoseconds time, std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any bell;  // rung by the stop token only
    std::unique_lock lock(mutex);
    bell.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

void publish_not_polling(StatusBoard& board, const std::string& why) {
    Snapshot snapshot = *board.read();
    snapshot.polling = false;
    snapshot.why_not = why;
    snapshot.next.clear();
    snapshot.overdue.reset();
    board.publish(std::move(snapshot));
}

PollThread::PollThread(Permit& permit, std::unique_ptr<Poller> poller, MakePoller make_poller,
                       StatusBoard& board, Herald& herald, Orders& orders)
    : permit_(permit),
      poller_(std::move(poller)),
      make_poller_(std::move(make_poller)),
      board_(board),
      herald_(herald),
      orders_(orders),
      thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

void PollThread::run(std::stop_token stop) {
    if (!poller_ && !wait_for_lock(stop)) return;
    bool lost = false;  // the last tick; what is shown is older than it could be
    while (!stop.stop_requested()) {
        herald_.alive();
        if (orders_.take_pauses()) poller_->heed_pauses(BootClock::now());
        for (const std::string& watch : orders_.take())
            poller_->hurry(watch, BootClock::now());
        const auto left = poller_->due() - BootClock::now();
        if (left.count() > 0) {
            if (!lost && !poller_->midway()) herald_.caught_up(*board_.read());
            // In parts also because the steady clock that waits stands still in a suspend and the
            // boot clock that plans does not.
            orders_.wait(std::min<std::chrono::nanoseconds>(left, herald_.round()), stop);
        } else if (!poll_once(stop, lost)) {
            return;
        }
    }
}

bool PollThread::wait_for_lock(std::stop_token stop) {
    std::string said;
    while (!stop.stop_requested()) {
        herald_.alive();
        const auto taken = permit_.try_take();
        if (taken && *taken) {
            try {
                poller_ = make_poller_();
                log::info("polling: the job's lock is free now");
                return true;
            } catch (const std::exception& error) {
                give_up(error.what());
                return false;
            }
        }
        if (!taken) {
            give_up(taken.error().what);
            return false;
        }
        const std::string why = "another process polls for this job: " + permit_.holder();
        if (why != said) {
            log::warn("serving, not polling: {}", why);
            publish_not_polling(board_, why);
            herald_.waits(why);
            permit_.stand_by();
            said = why;
        }
        wait(std::min(lock_retry, herald_.round()), stop);
    }
    return false;
}

bool PollThread::poll_once(std::stop_token stop, bool& lost) {
    lost = false;
    try {
        const Moment now{BootClock::now(), Wall::now()};
        const auto outcome = poller_->tick(now, stop);
        say_trouble();
        switch (outcome) {
            case Poller::Outcome::idle:
            case Poller::Outcome::waiting:
            case Poller::Outcome::done:
            case Poller::Outcome::stopped:
            case Poller::Outcome::unsaved:
                publish_trouble(board_, poller_->trouble());
                return true;
            case Poller::Outcome::raced:
                log::warn("another process had claimed this tick; it was not polled twice");
                return true;
            case Poller::Outcome::refused:
                give_up(permit_.lost());
                return false;
        }
    } catch (const std::exception& error) {
        log::error("a tick was lost: {}", error.what());
        publish_trouble(board_, error.what());
        lost = true;
    }
    return true;
}

// Once when it begins and once when it is over.
void PollThread::say_trouble() {
    if (poller_->trouble() == trouble_) return;
    trouble_ = poller_->trouble();
    if (trouble_.empty()) {
        log::info("the state file can be written again");
    } else {
        log::error("polls go on, alerts wait: {}", trouble_);
    }
}

void PollThread::give_up(const std::string& why) {
    log::error("polling ended for good: {}", why);
    publish_not_polling(board_, why);
}

}  // namespace oneloop::worker
