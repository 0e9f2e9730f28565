#include "supervisor/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>

#include "common/unique_fd.h"

namespace oneloop {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

// tcsetpgrp(3) and tcsetattr(3) from the background stop the caller with SIGTTOU, unless it is
// blocked.
class Unstoppable {
  public:
    Unstoppable() {
        sigset_t one;
        ::sigemptyset(&one);
        ::sigaddset(&one, SIGTTOU);
        ::pthread_sigmask(SIG_BLOCK, &one, &before_);
    }
    ~Unstoppable() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    Unstoppable(const Unstoppable&) = delete;
    Unstoppable& operator=(const Unstoppable&) = delete;

  private:
    sigset_t before_{};
};

bool in_foreground() {
    return ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
}

// An open file description of our own: Asio makes what it waits for non-blocking, and standard
// input's is shared with the shell. Sockets can't be opened again; theirs is.
UniqueFd reopen_stdin() {
    UniqueFd own(::open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!own) own.reset(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    return own;
}

}  // namespace

struct Terminal::Impl {
    Impl(asio::io_context& context, Use wanted, Events terminal_events)
        : io(context),
          use(wanted),
          events(std::move(terminal_events)),
          is_terminal(::isatty(STDIN_FILENO) == 1),
          later(context) {
        termios modes{};
        if (is_terminal && ::tcgetattr(STDIN_FILENO, &modes) == 0) saved = modes;
        if (use == Use::worker || (use == Use::keys && !is_terminal)) return;
        UniqueFd fd = reopen_stdin();
        if (!fd) return;
        input.emplace(io);
        boost::system::error_code error;
        input->assign(fd.get(), error);
        if (error) {
            // epoll(7) has no files and no /dev/null: they are at their end, or as good as.
            input.reset();
            if (use == Use::end) asio::post(io, [this] { events.end(); });
            return;
        }
        (void)fd.release();
        listen();
    }

    void listen() {
        if (!input || listening) return;
        listening = true;
        input->async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
            if (error) return;
            listening = false;
            if (is_terminal && !in_foreground()) return look_later();
            if (take()) listen();
        });
    }

    // In the background what is typed is the shell's; reading it would stop us (SIGTTIN). The shell
    // need not tell us that we are back in the foreground, so look again while a line lies there.
    void look_later() {
        listening = true;
        later.expires_after(std::chrono::seconds(1));
        later.async_wait([this](const boost::system::error_code& error) {
            listening = false;
            if (!error || error == asio::error::operation_aborted) listen();
        });
    }

    // False when nothing more can come.
    bool take() {
        std::array<char, 512> chunk{};
        const ssize_t got = ::read(input->native_handle(), chunk.data(), chunk.size());
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        if (got == 0) {
            if (use == Use::end) events.end();
            // On a terminal that was Ctrl-D: there may be more.
            return is_terminal && use == Use::keys;
        }
        if (!is_terminal) return true;
        typed.append(chunk.data(), static_cast<std::size_t>(got));
        for (auto end = typed.find('\n'); end != std::string::npos; end = typed.find('\n')) {
            const std::string line = typed.substr(0, end);
            typed.erase(0, end + 1);
            events.line(line);
        }
        if (typed.size() > 4096) typed.clear();
        return true;
    }

    asio::io_context& io;
    Use use;
    Events events;
    bool is_terminal;
    asio::steady_timer later;
    std::optional<termios> saved;  // the modes at our start
    std::optional<Descriptor> input;
    bool listening = false;
    std::string typed;
};

Terminal::Terminal(asio::io_context& io, Use use, Events events)
    : impl_(std::make_unique<Impl>(io, use, std::move(events))) {}
Terminal::~Terminal() {
    take_back();
}

bool Terminal::takes_keys() const {
    return impl_->input && impl_->is_terminal;
}

Handing Terminal::handing() const {
    if (impl_->use != Use::worker || !impl_->is_terminal) return Handing::none;
    return in_foreground() ? Handing::foreground : Handing::background;
}

void Terminal::take_back() {
    if (impl_->use != Use::worker || !impl_->saved) return;
    const pid_t foreground = ::tcgetpgrp(STDIN_FILENO);
    const bool orphaned = foreground > 0 && ::kill(-foreground, 0) != 0 &&
                          errno == ESRCH;  // the worker's, or its job's
    if (foreground != ::getpgrp() && !orphaned) return;
    const Unstoppable unstoppable;
    ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &*impl_->saved);
}

void Terminal::take_from(pid_t group) {
    if (impl_->use != Use::worker || ::tcgetpgrp(STDIN_FILENO) != group) return;
    const Unstoppable unstoppable;
    ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
}

bool Terminal::give_to(pid_t group) {
    if (handing() != Handing::foreground) return false;
    const Unstoppable unstoppable;
    return ::tcsetpgrp(STDIN_FILENO, group) == 0;
}

void Terminal::resumed() {
    impl_->later.cancel();  // look now
}

}  // namespace oneloop
