// Orders: what a person asks of the polling thread through HTTP: to poll a watch now, or to look
// anew which are paused.
//
// The polling thread waits here between two ticks, so that an order wakes it. Any thread orders,
// the polling thread waits and takes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

namespace oneloop::worker {

class Orders {
  public:
    void poll(const std::string& watch) {
        {
            const std::lock_guard lock(mutex_);
            watches_.insert(watch);
        }
        bell_.notify_one();
    }

    void look_at_pauses() {
        {
            const std::lock_guard lock(mutex_);
            pauses_ = true;
        }
        bell_.notify_one();
    }

    // Until there is an order, a stop, or `time` has passed.
    void wait(std::chrono::nanoseconds time, const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        bell_.wait_for(lock, stop, time, [this] { return pauses_ || !watches_.empty(); });
    }

    [[nodiscard]] std::set<std::string> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(watches_, {});
    }

    [[nodiscard]] bool take_pauses() {
        const std::lock_guard lock(mutex_);
        return std::exchange(pauses_, false);
    }

  private:
    std::mutex mutex_;
    std::condition_variable_any bell_;
    std::set<std::string> watches_;
    bool pauses_ = false;
};

}  // namespace oneloop::worker
