#include "worker/deliver_thread.h"

#include <string>

#include "common/log.h"

namespace oneloop::worker {

DeliverThread::DeliverThread(std::unique_ptr<Deliverer> deliverer)
    : deliverer_(std::move(deliverer)),
      thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

void DeliverThread::ring() {
    {
        const std::lock_guard lock(mutex_);
        rung_ = true;
    }
    bell_.notify_one();
}

void DeliverThread::run(std::stop_token stop) {
    std::string said;  // a full disk is one line, not one a second
    while (!stop.stop_requested()) {
        std::chrono::milliseconds time = std::chrono::seconds(1);
        try {
            const auto step = deliverer_->step(stop);
            said.clear();
            if (step == Deliverer::Step::refused) {
                log::error("delivering ended for good: the lock is not ours any more");
                return;
            }
            if (step == Deliverer::Step::tried) continue;
            time = deliverer_->wait();
        } catch (const std::exception& error) {
            if (said != error.what()) log::error("messages wait: {}", error.what());
            said = error.what();
        }
        std::unique_lock lock(mutex_);
        bell_.wait_for(lock, stop, time, [this] { return rung_; });
        rung_ = false;
    }
}

}  // namespace oneloop::worker
