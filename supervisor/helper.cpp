#include "supervisor/helper.h"

#include <signal.h>

#include <utility>

namespace oneloop {

bool HelperEnd::success() const {
    const auto* exited = std::get_if<Exited>(&end);
    return exited && exited->status == ExitStatus{0, 0};
}

std::string HelperEnd::text() const {
    if (const auto* exited = std::get_if<Exited>(&end)) return describe(exited->status);
    const auto* not_started = std::get_if<NotStarted>(&end);
    return not_started ? "not started: " + not_started->what : "unknown";
}

Helper::Helper(boost::asio::io_context& io, ChildSetup setup,
               std::function<void(const HelperEnd&)> ended)
    : ended_(std::move(ended)),
      child_(io, std::move(setup),
             {[](pid_t, std::uint64_t) {},
              [this](const WorkerEnd& end) {
                  end_ = {end, lives()};
                  child_.kill_tree(false);
              },
              [](int) {},
              // Copied: what is told of it may start the next one.
              [this] { ended_(HelperEnd(end_)); }}) {}

void Helper::run(std::vector<std::string> command) {
    end_ = {Exited{ExitStatus{0, SIGKILL}}, {}};
    since_ = Steady::now();
    child_.set_command(std::move(command));
    child_.spawn();
}

void Helper::ask() {
    child_.signal_tree(SIGTERM);
}

void Helper::kill(bool warden_too) {
    child_.kill_tree(warden_too);
}

std::vector<std::string> shell_command(const std::string& line) {
    return {"/bin/sh", "-c", line};
}

}  // namespace oneloop
