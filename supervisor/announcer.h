// announcer: what a person is told of what happens, beside the log: a clear terminal, a bell, a
// notification on the desktop, the hooks, and for the worker the file of events.
//
// Decides nothing, and nothing depends on it. Not for sentences that have to remember what came
// before (commentary). On the loop's thread.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/log.h"
#include "supervisor/brain.h"
#include "supervisor/control_protocol.h"
#include "supervisor/hooks.h"
#include "supervisor/options.h"

namespace oneloop {

class Announcer {
  public:
    // `helper`: of what is run that is no worker. `finished`: see finish().
    Announcer(boost::asio::io_context& io, const Options& options, ChildSetup helper,
              std::function<void()> finished);

    // `failure`: of the last build, in words.
    void advised(const Advice& advice, const std::string& failure);
    void restart_asked(const std::string& who);
    void worker_started(pid_t pid, const std::string& text);
    void worker_ended(const ReportEnd& report, const std::string& text);
    // Before the command of the worker is started. `cause`: none at the first start.
    void spawning(const std::optional<control::Cause>& cause) const;
    // The end: the last hook is run, then `finished` is called, perhaps from here.
    void finish();

  private:
    // Said when the restart takes long; else its one line says it all.
    void say_soon(log::Event event);
    void failed(const std::string& text);
    void notify(const std::string& text);
    void run_hooks(const std::string& event, pid_t pid, const std::string& text);
    [[nodiscard]] Hooks::Call call(const HookSpec& hook, pid_t pid, const std::string& text) const;

    Options options_;
    bool terminal_;
    std::function<void()> finished_;
    std::unique_ptr<Hooks> hooks_;  // null: there is nothing to run
    bool notifies_;
    bool started_ = false;  // once at least
    bool bad_ = false;      // something failed, and no worker was started since
    pid_t last_worker_ = 0;
    boost::asio::steady_timer soon_;
};

}  // namespace oneloop
