#include "supervisor/hooks.h"

#include <utility>

#include "common/log.h"

namespace oneloop {
namespace {

constexpr std::size_t most_waiting = 16;
constexpr auto longest = std::chrono::seconds(10);
constexpr auto longest_at_the_end = std::chrono::seconds(2);

}  // namespace

Hooks::Hooks(boost::asio::io_context& io, ChildSetup setup, std::function<void()> done)
    : done_(std::move(done)),
      helper_(io, std::move(setup), [this](const HelperEnd& end) { ended(end); }),
      timer_(io) {}

void Hooks::run(Call call) {
    if (ending_) return;
    if (waiting_.size() >= most_waiting) {
        if (!std::exchange(full_, true)) {
            log::warn("{} and what follows is dropped: {} wait already", call.name, most_waiting);
        }
        return;
    }
    waiting_.push_back(std::move(call));
    if (!helper_.alive()) next();
}

void Hooks::next() {
    if (waiting_.empty()) {
        full_ = false;
        if (ending_ && !std::exchange(finished_, true)) done_();
        return;
    }
    current_ = std::move(waiting_.front());
    waiting_.pop_front();
    late_ = false;
    helper_.run(current_.command);
    limit(ending_ ? Duration(longest_at_the_end) : Duration(longest));
}

void Hooks::limit(Duration time) {
    timer_.expires_after(time);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error || !helper_.alive()) return;
        // Again and again, for what is stuck may fork once more.
        helper_.kill(late_);
        late_ = true;
        limit(longest_at_the_end);
    });
}

void Hooks::ended(const HelperEnd& end) {
    timer_.cancel();
    if (late_) {
        if (!ending_) log::warn("{} took too long and was ended", current_.name);
    } else if (!end.success()) {
        if (current_.failed) {
            current_.failed(end);
        } else {
            log::warn("{} failed: {}", current_.name, end.text());
        }
    }
    next();
}

void Hooks::end(Call last) {
    ending_ = true;
    waiting_.clear();
    if (!last.command.empty()) waiting_.push_back(std::move(last));
    if (!helper_.alive()) return next();
    helper_.kill();
    late_ = true;
}

}  // namespace oneloop
