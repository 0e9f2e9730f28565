#include "supervisor/vitals.h"

#include <optional>
#include <system_error>

#include "common/log.h"
#include "supervisor/deadline_timer.h"
#include "supervisor/log_events.h"
#include "supervisor/notify_socket.h"
#include "supervisor/readiness_probe.h"
#include "supervisor/worker_state.h"

namespace oneloop {
namespace {

namespace asio = boost::asio;

std::int64_t in_ms(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace

struct Vitals::Impl {
    Impl(asio::io_context& io, VitalsSetup vitals_setup, Events vitals_events)
        : setup(std::move(vitals_setup)),
          events(std::move(vitals_events)),
          readiness(setup.options),
          timer(io, [this] { look(); }) {
        if (setup.needs_socket || setup.wants_socket) open_socket(io);
        const bool asks =
            setup.ready.by == ReadySpec::By::socket || setup.ready.by == ReadySpec::By::http;
        if (asks && setup.listening >= 0) {
            probe.emplace(io, setup.listening, setup.ready, [this] {
                readiness.answered(Steady::now());
                settle(false);
            });
        }
    }

    void open_socket(asio::io_context& io) {
        auto opened = NotifySocket::open(
            io, setup.directory, setup.instance,
            {[this](const NotifyMessage& message, pid_t sender) { said(message, sender); },
             [this](const std::string& text) {
                 // The first one of a generation; the rest would only fill the screen.
                 log::write(complained ? log::Level::debug : log::Level::warn, text);
                 complained = true;
             }});
        if (opened) {
            socket = std::move(*opened);
        } else if (setup.needs_socket) {
            throw std::system_error(opened.error().code, std::system_category(),
                                    "NOTIFY_SOCKET can't be served: " + opened.error().what);
        } else {
            log::warn("the worker gets no NOTIFY_SOCKET: {}", opened.error().what);
        }
    }

    void spawning() {
        if (socket) socket->discard();
        readiness.spawned();
        state.forget();
        worker = 0;
        complained = false;
        settle(false);
    }

    void started(pid_t pid) {
        worker = pid;
        readiness.started(Steady::now());
        if (probe && !readiness.ready()) probe->start();
        settle(false);
    }

    void over() {
        readiness.over();
        if (probe) probe->stop();
        timer.follow(readiness.deadline());
    }

    void said(const NotifyMessage& message, pid_t sender) {
        if (message.watchdog) state.sign_from(sender);
        const auto verdict = readiness.said(message, Steady::now());
        settle(message.status.has_value());
        if (verdict) fail(*verdict);
    }

    // After everything that may have made it ready.
    void settle(bool changed) {
        if (readiness.ready() && !was_ready) {
            changed = true;
            if (setup.ready.by != ReadySpec::By::started) {
                log::write(log_events::worker_ready(
                    worker, readiness.took(Steady::now()).value_or(Duration{})));
            }
            if (probe) probe->stop();
        }
        was_ready = readiness.ready();
        timer.follow(readiness.deadline());
        if (changed) events.changed();
    }

    void fail(const Unresponsive& verdict) {
        log::write(log_events::worker_failed(verdict, worker));
        over();
        events.failed(verdict);
    }

    void look() {
        const SteadyTime now = Steady::now();
        // A sign that has come is not late because we have not read it yet.
        if (socket) socket->drain();
        const auto deadline = readiness.deadline();
        if (!deadline || *deadline > now) return timer.follow(deadline);
        const auto verdict = readiness.looked(state.look(worker), now);
        timer.follow(readiness.deadline());
        if (verdict) fail(*verdict);
    }

    VitalsSetup setup;
    Events events;
    Readiness readiness;
    WorkerState state;
    DeadlineTimer timer;
    std::unique_ptr<NotifySocket> socket;
    std::optional<ReadinessProbe> probe;
    pid_t worker = 0;
    bool was_ready = false;
    bool complained = false;
};

Vitals::Vitals(asio::io_context& io, VitalsSetup setup, Events events)
    : impl_(std::make_unique<Impl>(io, std::move(setup), std::move(events))) {}
Vitals::~Vitals() = default;

std::string Vitals::notify_address() const {
    return impl_->socket ? impl_->socket->address() : "";
}
void Vitals::spawning() {
    impl_->spawning();
}
void Vitals::started(pid_t worker) {
    impl_->started(worker);
}
void Vitals::over() {
    impl_->over();
}
void Vitals::close() {
    impl_->over();
    impl_->socket.reset();
}
bool Vitals::ready() const {
    return impl_->readiness.ready();
}

void Vitals::report(control::StatusReport& report) const {
    const Readiness& readiness = impl_->readiness;
    const SteadyTime now = Steady::now();
    report.ready = readiness.ready();
    if (report.worker_pid == 0) return;
    if (report.ready) report.ready_after_ms = in_ms(*readiness.took(now));
    if (!readiness.status().empty()) report.status_text = readiness.status();
    const auto& clock = readiness.clock();
    if (!clock) return;
    std::optional<std::string> held;
    if (!clock->held().empty()) held = clock->held();
    if (readiness.expects_signs()) {
        report.watchdog =
            control::WatchdogReport{in_ms(clock->period()), in_ms(now - clock->last_sign()), held};
    } else {
        report.ready_held = held;
    }
}

}  // namespace oneloop
