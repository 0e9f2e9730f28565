#include "supervisor/builder.h"

#include <utility>

#include "common/exit_status.h"
#include "common/log.h"
#include "supervisor/log_events.h"
#include "supervisor/messages.h"

namespace oneloop {

Builder::Builder(boost::asio::io_context& io, ChildSetup setup, std::vector<Step> steps,
                 bool progress, std::function<void(const BuildGone&)> gone)
    : steps_(std::move(steps)),
      progress_(progress),
      gone_(std::move(gone)),
      helper_(io, std::move(setup), [this](const HelperEnd& end) { ended(end); }),
      timer_(io) {}

void Builder::obey(BuildOrder order) {
    switch (order) {
        case BuildOrder::start:
            at_ = 0;
            ending_ = false;
            return run_step();
        case BuildOrder::ask:
            ending_ = true;
            return helper_.ask();
        case BuildOrder::kill:
        case BuildOrder::force:
            ending_ = true;
            return helper_.kill(order == BuildOrder::force);
    }
}

std::optional<std::string> Builder::state() const {
    if (helper_.alive()) return steps_[at_].name + " running";
    if (outcome_.empty()) return std::nullopt;
    return outcome_;
}

void Builder::run_step() {
    const Step& step = steps_[at_];
    log::write(log_events::build_started(step.name, step.line));
    helper_.run(shell_command(step.line));
    if (progress_) show_progress(std::chrono::seconds(2));
}

void Builder::show_progress(Duration after) {
    timer_.expires_after(after);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error || !helper_.alive() || ending_) return;
        const Duration lives = helper_.lives();
        log::info("{}", messages::build_goes_on(steps_[at_].name, lives));
        show_progress(lives < std::chrono::seconds(15) ? std::chrono::seconds(8)
                                                       : std::chrono::seconds(30));
    });
}

void Builder::ended(const HelperEnd& end) {
    timer_.cancel();
    const Step& step = steps_[at_];
    if (ending_) return gone_({false});
    log::write(log_events::build_ended({step.name, end.success(), end.text(), end.lived}));
    if (!end.success()) {
        outcome_ = messages::build_failed(step.name, end.text(), end.lived);
        const auto* exited = std::get_if<Exited>(&end.end);
        return gone_({false, exited && exited->status == ExitStatus{exit_config, 0}});
    }
    if (++at_ < steps_.size()) return run_step();
    outcome_ = "done";
    gone_({true});
}

}  // namespace oneloop
