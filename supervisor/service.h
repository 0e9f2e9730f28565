// service: what the service manager is told about us, and when.
//
// Ready at the first readiness of a worker, and again after each reload that it asked for; a line
// of status at each change; stopping; and a sign of life of our own loop at half of what it wants.
// A manager that does not read is asked again later and waited for by nobody. Not for how it is
// told (common/notify). On the loop's thread; without a manager nothing ever wakes up.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <string>

#include "common/notify.h"

namespace oneloop {

class Service {
  public:
    Service(boost::asio::io_context& io, ServiceManager manager);
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    [[nodiscard]] bool listens() const { return manager_.listens(); }

    void ready();  // told once
    // How a manager asks for it is a SIGHUP; it waits for the READY=1 that follows.
    void reloading();
    void not_reloaded();  // the old worker is kept
    void status(const std::string& text);
    void stopping();  // told once

  private:
    void say(std::string lines);
    void flush();
    void flush_later();
    bool tell_now(const std::string& lines);
    void give_signs();

    ServiceManager manager_;
    std::deque<std::string> waiting_;  // events, in order
    std::string status_;               // only the newest counts
    std::string told_status_;
    bool ready_ = false;
    bool stopping_ = false;
    bool complained_ = false;
    bool later_ = false;
    boost::asio::steady_timer retry_;
    boost::asio::steady_timer signs_;
};

}  // namespace oneloop
