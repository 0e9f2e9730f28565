// StatusBoard: the one value that the polling thread hands to the HTTP thread.
//
// publish() belongs to whoever polls, read() to anybody. A reader keeps its copy as long as it
// likes; nobody waits for anybody longer than a pointer's copy.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "worker/status.h"

namespace oneloop::worker {

class StatusBoard {
  public:
    void publish(Snapshot snapshot) {
        auto next = std::make_shared<const Snapshot>(std::move(snapshot));
        const std::lock_guard lock(mutex_);
        current_.swap(next);
        // The old one is freed after the lock, by whoever held it last.
    }

    [[nodiscard]] std::shared_ptr<const Snapshot> read() const {
        const std::lock_guard lock(mutex_);
        return current_;
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const Snapshot> current_ = std::make_shared<const Snapshot>();
};

}  // namespace oneloop::worker
