// DeadlineTimer: one timer that follows a deadline which somebody else decides.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <utility>

#include "common/clock.h"

namespace oneloop {

class DeadlineTimer {
  public:
    // `passed` is called once for each deadline, and may be called early when the deadline was
    // moved in the moment it passed: who is called looks at the clock. `io` runs no more when this
    // is gone.
    DeadlineTimer(boost::asio::io_context& io, std::function<void()> passed)
        : timer_(io), passed_(std::move(passed)) {}

    // The same deadline again costs nothing; none stops the timer.
    void follow(std::optional<SteadyTime> deadline) {
        if (deadline == armed_) return;
        armed_ = deadline;
        timer_.cancel();
        if (!deadline) return;
        timer_.expires_at(*deadline);
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            armed_.reset();
            passed_();
        });
    }

  private:
    boost::asio::steady_timer timer_;
    std::optional<SteadyTime> armed_;
    std::function<void()> passed_;
};

}  // namespace oneloop
