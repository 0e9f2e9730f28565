#include "supervisor/loop.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <optional>

#include "common/check.h"
#include "common/flag.h"
#include "common/log.h"
#include "supervisor/brain.h"
#include "supervisor/child.h"
#include "supervisor/chronicle.h"
#include "supervisor/control.h"
#include "supervisor/file_watcher.h"
#include "supervisor/messages.h"
#include "supervisor/wiring.h"

namespace oneloop {
namespace {

namespace asio = boost::asio;

bool has_terminal() {
    const UniqueFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    return static_cast<bool>(terminal);
}

std::int64_t epoch_seconds() {
    return Wall::to_time_t(Wall::now());
}

bool is_ignored(int signal) {
    struct sigaction action {};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

struct Loop::Impl {
    Impl(const Options& loop_options, Isolation how, const Instance& instance,
         const std::vector<ListenSocket>& sockets)
        : options(loop_options),
          isolation(how),
          brain(lifecycle_options(loop_options), gate_options(loop_options)),
          chronicle(status_facts(loop_options, how, instance, sockets)),
          timer(io),
          signals(io),
          child(io, child_setup(loop_options, how, instance, sockets),
                {[this](pid_t pid, std::uint64_t generation) { worker_started(pid, generation); },
                 [this](const WorkerEnd& end) { dispatch(LeaderEnded{end}); },
                 [this] {
                     stop_ended = Steady::now();
                     dispatch(TreeGone{});
                 }}) {
        watch_signals();
        // Armed before the first spawn: an edit during the worker's start is seen.
        if (options.watch) watch_files();
        open_control(instance.directory);
        for (const auto& socket : sockets) {
            log::info("socket {} {} -> fd {}", socket.name, socket.address,
                      flag::first_listen_fd + (&socket - sockets.data()));
        }
    }

    void watch_files() {
        watcher.emplace(
            io, options.watch_paths, programs_to_watch(options), PathRules(options.ignore),
            FileWatcher::Events{[this](const std::string& path, ChangeKind kind) {
                                    dispatch(FileChanged{path, kind});
                                },
                                [this] { dispatch(EventsLost{}); },
                                [](const std::string& text) { log::warn("{}", text); }});
        const auto counts = watcher->counts();
        log::info("watching {} in {} (inotify), {} ignored by rules",
                  messages::plural(counts.files, "file", "files"),
                  messages::plural(counts.directories, "directory", "directories"), counts.ignored);
    }

    void watch_signals() {
        for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGUSR1})
            signals.add(signal);
        // nohup(1) means it: a supervisor that ignores the hang-up keeps ignoring it.
        if (!is_ignored(SIGHUP)) signals.add(SIGHUP);
        listen_for_signals();
    }

    void listen_for_signals() {
        signals.async_wait([this](const boost::system::error_code& error, int signal) {
            if (error) return;
            listen_for_signals();
            // Started without a terminal, nobody hung up: a service manager asks for a reload.
            if (signal == SIGUSR1 || (signal == SIGHUP && !terminal)) {
                log::info("{}: restarting", signal_name(signal));
                chronicle.asked(signal_name(signal));
                return dispatch(RestartRequested{});
            }
            // timeout(1) signals the process and then its group: that is one request, not a person
            // who insists.
            const auto now = Steady::now();
            if (stop_requested && now - *stop_requested < std::chrono::milliseconds(20)) return;
            stop_requested = now;
            dispatch(StopRequested{signal, signal == SIGINT || signal == SIGQUIT});
        });
    }

    void open_control(const std::string& directory) {
        auto opened = Control::open(
            io, directory,
            {[this] { return status(); },
             [this](pid_t by) {
                 log::info("restarting, asked for by pid {}", by);
                 chronicle.asked(fmt::format("pid {}", by));
                 dispatch(RestartRequested{});
             },
             [this](pid_t by) {
                 log::info("paused by pid {}: changes are noted, nothing restarts", by);
                 dispatch(PauseRequested{});
             },
             [this](pid_t by) {
                 log::info("resumed by pid {}", by);
                 dispatch(ResumeRequested{});
             },
             [this](pid_t by) {
                 log::info("stopping, asked for by pid {}", by);
                 dispatch(StopRequested{});
             }});
        if (opened) {
            control = std::move(*opened);
        } else {
            log::warn("supervisor status and the like can't reach this one: {}",
                      opened.error().what);
        }
    }

    [[nodiscard]] control::StatusReport status() const {
        Chronicle::Present present{child.worker_pid(), Steady::now(), std::nullopt};
        if (watcher) {
            const auto counts = watcher->counts();
            present.watching = control::Watching{counts.directories, counts.files, counts.ignored};
        }
        return chronicle.report(brain, present);
    }

    // Events may arise while commands are carried out; they wait their turn.
    void dispatch(Input input) {
        inputs.push_back(std::move(input));
        if (dispatching) return;
        dispatching = true;
        while (!inputs.empty()) {
            const Input next = std::move(inputs.front());
            inputs.pop_front();
            const Advice advice = brain.step(next, Steady::now());
            chronicle.advised(advice, epoch_seconds());
            if (advice.changes) log::info("{}", messages::changes(*advice.changes));
            for (const auto& command : advice.commands) {
                std::visit([this](const auto& what) { carry_out(what); }, command);
            }
        }
        dispatching = false;
        arm_timer();
    }

    void arm_timer() {
        const auto deadline = brain.deadline();
        if (deadline == armed) return;
        armed = deadline;
        timer.cancel();
        if (!deadline) return;
        timer.expires_at(*deadline);
        timer.async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            armed.reset();
            dispatch(TimePassed{});
        });
    }

    void carry_out(const Spawn&) {
        ONELOOP_CHECK(!child.alive(), "Spawn while a child lives");
        // What is said of the last stop when the next worker has started; from here on a stop is
        // the new worker's, also one that comes before the news of its start.
        replaced = Stopped{stop_began ? stopped_pid : 0,
                           stop_began ? stop_ended - *stop_began : Duration{}};
        stop_began.reset();
        last_worker = 0;
        child.spawn();
    }
    void carry_out(const SignalTree&) {
        if (!stop_began) {
            stop_began = Steady::now();
            stopped_pid = child.worker_pid();
        }
        child.signal_tree(options.stop_signal);
    }
    void carry_out(const KillTree& kill) { child.kill_tree(kill.warden_too); }
    void carry_out(const Finish& finish) {
        result = {finish.code, finish.signal};
        if (stop_began && stopped_pid > 0) {
            log::info("{}", messages::stopped(stopped_pid, stop_ended - *stop_began,
                                              signal_name(options.stop_signal)));
        }
        if (control) control->close();  // before the end: main may die by a signal
        io.stop();
    }
    void carry_out(const ReportEnd& report) {
        const auto level = report.failure ? log::Level::warn : log::Level::info;
        const std::string text =
            messages::ended(report, last_worker, options.watch ? PolicyOptions().quick_limit : 0);
        log::write(level, text);
        chronicle.ended(text, epoch_seconds());
        stop_began.reset();
        stopped_pid = 0;
        if (const auto* end = std::get_if<NotStarted>(&report.end);
            end && end->stage == NotStarted::Stage::lock_busy) {
            name_lock_holders(end->what);
        }
    }
    void carry_out(const ReportStopTimeout& report) {
        const Duration waited = stop_began ? Steady::now() - *stop_began : Duration{};
        log::warn("{}",
                  messages::stop_timeout(report.step, last_worker, waited, options.stop_signal));
    }

    void name_lock_holders(const std::string& lock_path) {
        for (const pid_t pid : who_has_open(lock_path)) {
            log::warn("pid {} keeps the lock; end it with: kill {}", pid, pid);
        }
    }

    void worker_started(pid_t pid, std::uint64_t generation) {
        messages::Start start;
        start.pid = pid;
        start.generation = generation;
        start.command = fmt::format("{}", fmt::join(options.command, " "));
        if (isolation != Isolation::subreaper) start.isolation = describe(isolation);
        if (replaced.pid > 0) {
            start.stopped_pid = replaced.pid;
            start.stop_took = replaced.took;
            start.stopped_by = signal_name(options.stop_signal);
            chronicle.ended(messages::stopped(start.stopped_pid, start.stop_took, start.stopped_by),
                            epoch_seconds());
        }
        chronicle.started(generation, epoch_seconds());
        last_worker = pid;
        log::info("{}", messages::started(start));
    }

    Options options;
    Isolation isolation;
    asio::io_context io{1};
    Brain brain;
    Chronicle chronicle;
    asio::steady_timer timer;
    std::optional<SteadyTime> armed;
    asio::signal_set signals;
    Child child;
    std::optional<FileWatcher> watcher;
    std::unique_ptr<Control> control;
    std::deque<Input> inputs;
    bool dispatching = false;
    LoopResult result;
    std::optional<SteadyTime> stop_requested;
    // Asked once: after a hang-up it is gone.
    const bool terminal = has_terminal();
    // For messages only.
    std::optional<SteadyTime> stop_began;
    SteadyTime stop_ended;
    pid_t stopped_pid = 0;
    struct Stopped {
        pid_t pid = 0;
        Duration took{};
    };
    Stopped replaced;
    pid_t last_worker = 0;
};

Loop::Loop(const Options& options, Isolation isolation, const Instance& instance,
           const std::vector<ListenSocket>& sockets)
    : impl_(std::make_unique<Impl>(options, isolation, instance, sockets)) {}
Loop::~Loop() = default;

LoopResult Loop::run() {
    impl_->dispatch(TimePassed{});  // the first spawn is due
    impl_->io.run();
    return impl_->result;
}

}  // namespace oneloop
