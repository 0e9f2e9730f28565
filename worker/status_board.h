// StatusBoard: the one value that the polling thread and the delivering one hand to the HTTP
// thread.
//
// publish() belongs to whoever polls, publish_outbox() to whoever delivers, read() to anybody. A
// reader keeps its copy as long as it likes; nobody waits for anybody longer than a pointer's copy.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "worker/status.h"

namespace oneloop::worker {

class StatusBoard {
  public:
    void publish(Snapshot snapshot) {
        auto next = std::make_shared<Snapshot>(std::move(snapshot));
        const std::lock_guard lock(mutex_);
        next->outbox = current_->outbox;  // not the poller's to say
        current_ = std::move(next);
    }

    void publish_outbox(OutboxStatus outbox) {
        const std::lock_guard lock(mutex_);
        auto next = std::make_shared<Snapshot>(*current_);
        next->outbox = std::move(outbox);
        current_ = std::move(next);
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
