#include "supervisor/signals.h"

#include <fcntl.h>
#include <signal.h>

#include <boost/asio/signal_set.hpp>
#include <optional>

#include "common/clock.h"
#include "common/unique_fd.h"

namespace oneloop {
namespace {

bool has_terminal() {
    const UniqueFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    return static_cast<bool>(terminal);
}

bool is_ignored(int signal) {
    struct sigaction action {};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

struct Signals::Impl {
    Impl(boost::asio::io_context& io, Events signal_events)
        : set(io), events(std::move(signal_events)) {
        for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT})
            set.add(signal);
        // nohup(1) means it: a supervisor that ignores the hang-up keeps ignoring it. A shell
        // without job control ignores SIGTSTP for its children: the same.
        for (const int signal : {SIGHUP, SIGTSTP}) {
            if (!is_ignored(signal)) set.add(signal);
        }
        listen();
    }

    void listen() {
        set.async_wait([this](const boost::system::error_code& error, int signal) {
            if (error) return;
            listen();
            take(signal);
        });
    }

    void take(int signal) {
        switch (signal) {
            case SIGTSTP:
                return events.suspend();
            case SIGCONT:
                return events.resumed();
            case SIGWINCH:
            case SIGUSR2:
                return events.pass(signal);
            case SIGUSR1:
                return events.restart(signal);
            case SIGHUP:
                // Started without a terminal, nobody hung up: a service manager asks for a reload.
                if (!terminal) return events.restart(signal);
                break;
            default:
                break;
        }
        // timeout(1) signals the process and then its group: that is one request, not a person who
        // insists.
        const auto now = Steady::now();
        if (stop_requested && now - *stop_requested < std::chrono::milliseconds(20)) return;
        stop_requested = now;
        events.stop(signal, signal == SIGINT || signal == SIGQUIT);
    }

    boost::asio::signal_set set;
    Events events;
    std::optional<SteadyTime> stop_requested;
    // Asked once: after a hang-up it is gone.
    const bool terminal = has_terminal();
};

Signals::Signals(boost::asio::io_context& io, Events events)
    : impl_(std::make_unique<Impl>(io, std::move(events))) {}
Signals::~Signals() = default;

void Signals::stop_ourselves(int signal) {
    const bool handled = signal == SIGTSTP && !is_ignored(SIGTSTP);
    if (handled) impl_->set.remove(SIGTSTP);  // back to the kernel's own way
    ::raise(signal);
    if (handled) impl_->set.add(SIGTSTP);
}

}  // namespace oneloop
