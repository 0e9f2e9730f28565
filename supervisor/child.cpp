#include "supervisor/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/process/v2/process.hpp>
#include <optional>
#include <system_error>

#include "common/check.h"
#include "supervisor/autokill.h"
#include "supervisor/cgroup_tree.h"
#include "supervisor/descendants.h"
#include "supervisor/reaper.h"

namespace oneloop {
namespace {

namespace asio = boost::asio;
using Process = boost::process::v2::basic_process<asio::io_context::executor_type>;
using Descriptor = asio::posix::stream_descriptor;  // waited for, read by recv(2)

WorkerEnd not_started(const WardenNotice& notice) {
    NotStarted end{NotStarted::Stage::exec, notice.error, notice.text.data()};
    if (notice.kind == WardenNotice::Kind::lock_busy) {
        end.stage = NotStarted::Stage::lock_busy;
    } else if (notice.stage == WardenNotice::Stage::lock) {
        end.stage = NotStarted::Stage::lock;
    } else if (notice.stage == WardenNotice::Stage::fork) {
        end.stage = NotStarted::Stage::spawn;
    }
    return end;
}

}  // namespace

struct Child::Impl {
    Impl(asio::io_context& context, ChildSetup child_setup, Events child_events)
        : io(context),
          setup(std::move(child_setup)),
          events(std::move(child_events)),
          sweep_timer(context),
          family(setup.family),
          wardens(setup, *family),
          gets_strangers(::getpid() == 1 || !direct_children().empty()),
          reaper(
              context, [this](pid_t pid) { return family->is_warden(pid); },
              [this](pid_t pid) { family->buried(pid); }) {
        // Second net: what a killed warden leaves comes to us, not to init.
        if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
            throw std::system_error(errno, std::system_category(), "prctl PR_SET_CHILD_SUBREAPER");
        }
        if (gets_strangers) reaper.listen();
    }

    void spawn() {
        ONELOOP_CHECK(!alive, "spawn while a child lives");
        alive = true;
        worker = 0;
        leader_reported = false;
        if (gets_strangers) family->note_strangers();
        auto started = wardens.start();
        if (!started) return spawn_failed(started.error());

        warden_pid = started->pid;
        control.emplace(io, started->control.release());
        listen();
        if (setup.autokill) return await_reaped(std::move(started->pidfd));
        process.emplace(io.get_executor(), started->pid, started->pidfd.release());
        process->async_wait([this](const boost::system::error_code& error, int status) {
            warden_ended(error, status);
        });
    }

    // The kernel reaps it: wait(2) would say ECHILD while it lives.
    void await_reaped(UniqueFd pidfd) {
        reaped.emplace(io, pidfd.release());
        reaped->async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
            if (error) return;  // closed by gone()
            const auto status = wait_status_of(reaped->native_handle());
            // Not known is not gone: look for what it may have left.
            warden_ended(status ? error : boost::asio::error::not_found, status.value_or(0));
        });
    }

    // A failed start is told like any other end, and from the loop, never from inside spawn().
    void spawn_failed(const Error& error) {
        asio::post(io, [this, error] {
            report_leader(NotStarted{NotStarted::Stage::spawn, error.code, error.what});
            gone();
        });
    }

    void listen() {
        control->async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
            if (error) return;  // closed by gone()
            if (drain()) listen();
        });
    }

    // False when the warden has closed its end.
    bool drain() {
        while (control) {
            WardenNotice notice;
            const ssize_t got =
                ::recv(control->native_handle(), &notice, sizeof notice, MSG_DONTWAIT);
            if (got < 0) return errno == EAGAIN || errno == EINTR;
            if (got != sizeof notice) return false;
            take(notice);
        }
        return false;
    }

    void take(const WardenNotice& notice) {
        switch (notice.kind) {
            case WardenNotice::Kind::started:
                worker = notice.pid;
                events.started(worker, notice.generation);
                return;
            case WardenNotice::Kind::suspended:
                return events.suspended(notice.signal);
            case WardenNotice::Kind::ended:
                report_leader(Exited{ExitStatus::from_wait_status(notice.wait_status)});
                return;
            case WardenNotice::Kind::lock_busy:
            case WardenNotice::Kind::not_started:
                report_leader(not_started(notice));
                return;
        }
    }

    void report_leader(const WorkerEnd& end) {
        if (leader_reported) return;
        leader_reported = true;
        events.leader_ended(end);
    }

    void warden_ended(const boost::system::error_code& error, int status) {
        drain();  // its last words may still be in the socket
        family->remove_warden(warden_pid);
        warden_pid = 0;
        if (gets_strangers) reaper.look();
        const ExitStatus end = ExitStatus::from_wait_status(status);
        if (!error && end == ExitStatus{warden_tree_is_gone, 0}) return gone();
        // Killed, or failed before it could know: what it left is a child of ours now.
        if (worker == 0) {
            report_leader(NotStarted{NotStarted::Stage::spawn, 0,
                                     "the warden ended too early (" + describe(end) + ")"});
        }
        sweep_pause = std::chrono::milliseconds(1);
        family->begin_sweep();
        sweep();
    }

    void sweep() {
        if (setup.cgroup >= 0) kill_cgroup(setup.cgroup);
        if (family->sweep()) {
            family->end_sweep();
            return gone();
        }
        // What is stuck in the kernel may take for ever: look less and less often.
        sweep_pause = std::min(2 * sweep_pause, std::chrono::milliseconds(200));
        sweep_timer.expires_after(sweep_pause);
        sweep_timer.async_wait([this](const boost::system::error_code& error) {
            if (!error) sweep();
        });
    }

    void gone() {
        process.reset();
        reaped.reset();
        control.reset();
        worker = 0;
        alive = false;
        events.tree_gone();
    }

    void order(const WardenOrder& what) {
        if (!control) return;
        // A full socket can't be: the lifecycle gives a handful of orders a generation.
        (void)!::send(control->native_handle(), &what, sizeof what, MSG_NOSIGNAL | MSG_DONTWAIT);
        // Somebody may have stopped the warden; it obeys when it runs again.
        if (warden_pid > 0) ::kill(warden_pid, SIGCONT);
    }

    asio::io_context& io;
    ChildSetup setup;
    Events events;
    asio::steady_timer sweep_timer;
    std::chrono::milliseconds sweep_pause{1};
    const std::shared_ptr<Family> family;
    WardenStart wardens;
    const bool gets_strangers;
    Reaper reaper;
    std::optional<Process> process;
    std::optional<Descriptor> reaped;  // instead: pidfd of a warden that the kernel reaps
    std::optional<Descriptor> control;
    pid_t warden_pid = 0;  // unreaped while not 0, so it can't be a stranger's
    pid_t worker = 0;
    bool alive = false;
    bool leader_reported = false;
};

Child::Child(asio::io_context& io, ChildSetup setup, Events events)
    : impl_(std::make_unique<Impl>(io, std::move(setup), std::move(events))) {}
Child::~Child() = default;

void Child::spawn() {
    impl_->spawn();
}
void Child::prepare() {
    impl_->wardens.prepare();
}
void Child::drop_prepared() {
    impl_->wardens.drop();
}
void Child::set_command(std::vector<std::string> command) {
    impl_->wardens.drop();  // it was made for the one before
    impl_->setup.command = std::move(command);
}
void Child::signal_tree(int signal) {
    impl_->order({.kind = WardenOrder::Kind::signal, .signal = signal});
}
void Child::pass(int signal) {
    impl_->order({.kind = WardenOrder::Kind::pass, .signal = signal});
}
void Child::kill_tree(bool warden_too) {
    impl_->order({.kind = WardenOrder::Kind::kill});
    if (warden_too && impl_->warden_pid > 0) ::kill(impl_->warden_pid, SIGKILL);
}
bool Child::alive() const {
    return impl_->alive;
}
pid_t Child::worker_pid() const {
    return impl_->worker;
}

}  // namespace oneloop
