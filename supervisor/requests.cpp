#include "supervisor/requests.h"

#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <ctime>

#include "common/exit_status.h"
#include "common/log.h"
#include "supervisor/control.h"
#include "supervisor/keys.h"
#include "supervisor/remote_text.h"
#include "supervisor/signals.h"

namespace oneloop {

struct Requests::Impl {
    Impl(boost::asio::io_context& io, Terminal::Use use, const std::string& directory, Desk for_us)
        : desk(std::move(for_us)),
          terminal(io, use,
                   {[this](const std::string& line) { typed(line); },
                    [this] { stop("the end of standard input"); }}),
          signals(io, {[this](int signal) {
                           signal == SIGHUP ? (void)reload(signal_name(signal))
                                            : restart(signal_name(signal));
                       },
                       [this](int signal, bool insistent) {
                           desk.dispatch(StopRequested{signal, insistent});
                       },
                       [this] { suspend(); }, [this] { resumed(); },
                       [this](int signal) { desk.to_worker(signal); }}) {
        open_control(io, directory);
        if (terminal.takes_keys()) log::info("{}", key_help());
    }

    void open_control(boost::asio::io_context& io, const std::string& directory) {
        const auto name = [](pid_t by) { return fmt::format("pid {}", by); };
        auto opened = Control::open(io, directory,
                                    {desk.status, [this, name](pid_t by) { restart(name(by)); },
                                     [this, name](pid_t by) { pause(name(by)); },
                                     [this, name](pid_t by) { resume(name(by)); },
                                     [this, name](pid_t by) {
                                         const auto mistake = reload(name(by));
                                         return mistake ? control::format_error(*mistake)
                                                        : control::format_ok();
                                     },
                                     [this, name](pid_t by) { stop(name(by)); }});
        if (opened) {
            control = std::move(*opened);
        } else {
            log::warn("supervisor status and the like can't reach this one: {}",
                      opened.error().what);
        }
    }

    void restart(const std::string& who) {
        desk.restart_asked(who);
        desk.dispatch(RestartRequested{});
    }
    // What is wrong now must not cost the worker that runs: then nothing happens, and it is
    // returned.
    std::optional<std::string> reload(const std::string& who) {
        auto mistake = desk.mistake();
        if (mistake) {
            log::error("not reloaded, the worker that runs is kept: {}", *mistake);
            desk.not_reloaded();
        } else {
            desk.reloading();
            restart(who);
        }
        return mistake;
    }
    void pause(const std::string& who) {
        log::info("paused by {}: changes are noted, nothing restarts", who);
        desk.dispatch(PauseRequested{});
    }
    void resume(const std::string& who) {
        log::info("resumed by {}", who);
        desk.dispatch(ResumeRequested{});
    }
    void stop(const std::string& who) {
        log::info("stopping, asked for by {}", who);
        desk.dispatch(StopRequested{});
    }

    void typed(const std::string& line) {
        constexpr const char* who = "a key";
        const auto key = parse_key(line);
        if (!key) {
            if (!line.empty()) log::info("{}", key_help());
            return;
        }
        switch (*key) {
            case Key::restart:
                return restart(who);
            case Key::quit:
                return stop(who);
            case Key::pause:
                return desk.paused() ? resume(who) : pause(who);
            case Key::status:
                return fmt::print(stderr, "{}",
                                  remote_text::status(desk.status(), std::time(nullptr)));
            case Key::help:
                return log::info("{}", key_help());
        }
    }

    // Ctrl-Z: what we started stops with us, and goes on with us after fg or bg.
    void suspend() {
        desk.to_worker(SIGTSTP);
        stop_ourselves(SIGTSTP);
    }
    void stop_ourselves(int signal) {
        suspended = true;
        signals.stop_ourselves(signal);
        resumed();
    }
    void worker_suspended(int signal) {
        terminal.take_from(desk.worker());
        // A job in the background that wants the terminal stops, unless it is ours to give.
        if (signal != SIGTSTP && terminal.handing() == Handing::foreground) return resumed();
        stop_ourselves(signal);
    }
    void resumed() {
        terminal.resumed();
        // The foreground is ours only after fg; after bg the worker goes on without a terminal.
        const bool given = desk.worker() > 0 && terminal.give_to(desk.worker());
        if (suspended || given) desk.to_worker(SIGCONT);
        suspended = false;
    }

    Desk desk;
    Terminal terminal;
    Signals signals;
    std::unique_ptr<Control> control;
    bool suspended = false;
};

Requests::Requests(boost::asio::io_context& io, Terminal::Use use, const std::string& directory,
                   Desk desk)
    : impl_(std::make_unique<Impl>(io, use, directory, std::move(desk))) {}
Requests::~Requests() = default;

Terminal& Requests::terminal() {
    return impl_->terminal;
}
void Requests::worker_suspended(int signal) {
    impl_->worker_suspended(signal);
}
void Requests::hand_over(const std::vector<ListenSocket>& sockets) {
    if (impl_->control) impl_->control->hand_over(sockets);
}
void Requests::close() {
    if (impl_->control) impl_->control->close();
}

}  // namespace oneloop
