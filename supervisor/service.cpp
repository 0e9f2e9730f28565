#include "supervisor/service.h"

#include <cerrno>
#include <utility>

#include "common/log.h"

namespace oneloop {
namespace {

// Between two lines of status, and before a manager that does not read is tried again. A worker may
// change its status a thousand times a second, and the manager has others to hear.
constexpr auto breath = std::chrono::milliseconds(100);

}  // namespace

Service::Service(boost::asio::io_context& io, ServiceManager manager)
    : manager_(std::move(manager)), retry_(io), signs_(io) {
    if (manager_.listens() && manager_.watchdog > Duration{}) give_signs();
}

void Service::ready() {
    if (std::exchange(ready_, true)) return;
    say(notify::ready);
}

void Service::reloading() {
    // Before the first READY=1 it is a start still.
    if (!std::exchange(ready_, false)) return;
    say(notify::reloading(Steady::now()));
}

void Service::not_reloaded() {
    reloading();
    ready();
}

void Service::stopping() {
    if (std::exchange(stopping_, true)) return;
    say(notify::stopping);
}

void Service::status(const std::string& text) {
    status_ = text;
    if (!later_) flush();
}

void Service::say(std::string lines) {
    if (!listens()) return;
    waiting_.push_back(std::move(lines));
    flush();
}

void Service::flush() {
    if (!listens()) return;
    while (!waiting_.empty()) {
        if (!tell_now(waiting_.front())) return flush_later();
        waiting_.pop_front();
    }
    if (later_ || status_ == told_status_) return;
    if (tell_now(notify::status(status_))) told_status_ = status_;
    flush_later();
}

void Service::flush_later() {
    if (later_) return;
    later_ = true;
    retry_.expires_after(breath);
    retry_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        later_ = false;
        flush();
    });
}

// False: to be tried again. A manager that can't be told at all is not told, and that is said once.
bool Service::tell_now(const std::string& lines) {
    const auto told = tell(manager_, lines);
    if (told) return true;
    if (told.error().code == EAGAIN) return false;
    if (!std::exchange(complained_, true)) {
        log::warn("the service manager can't be told: {}", told.error().what);
    }
    return true;
}

void Service::give_signs() {
    // A full queue is the manager's own sign that it does not look.
    (void)tell_now(notify::watchdog);
    signs_.expires_after(manager_.watchdog / 2);
    signs_.async_wait([this](const boost::system::error_code& error) {
        if (!error) give_signs();
    });
}

}  // namespace oneloop
