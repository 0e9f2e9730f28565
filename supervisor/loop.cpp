#include "supervisor/loop.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <deque>
#include <optional>

#include "common/check.h"
#include "common/log.h"
#include "supervisor/announcer.h"
#include "supervisor/brain.h"
#include "supervisor/builder.h"
#include "supervisor/child.h"
#include "supervisor/chronicle.h"
#include "supervisor/commentary.h"
#include "supervisor/deadline_timer.h"
#include "supervisor/down_answer.h"
#include "supervisor/file_watcher.h"
#include "supervisor/log_events.h"
#include "supervisor/memory_kills.h"
#include "supervisor/reload.h"
#include "supervisor/remote_text.h"
#include "supervisor/requests.h"
#include "supervisor/service.h"
#include "supervisor/vitals.h"
#include "supervisor/wiring.h"
#include "supervisor/writer_witness.h"

namespace oneloop {
namespace {

namespace asio = boost::asio;

std::int64_t epoch_seconds() {
    return Wall::to_time_t(Wall::now());
}

}  // namespace

struct Loop::Impl {
    Impl(const Options& loop_options, Isolation how, const Instance& instance,
         const std::vector<ListenSocket>& sockets, const ServiceManager& manager)
        : options(loop_options),
          listening(sockets),
          brain(lifecycle_options(loop_options), gate_options(loop_options), {},
                build_options(loop_options)),
          chronicle(status_facts(loop_options, how, instance, sockets)),
          commentary(commentary_facts(loop_options, how)),
          announcer(io, loop_options, helper_setup(loop_options, how, instance, family),
                    [this] { io.stop(); }),
          timer(io, [this] { dispatch(TimePassed{}); }),
          requests(
              io, terminal_use(loop_options), instance.directory,
              {[this](const Input& input) { dispatch(input); }, [this] { return status(); },
               [this](const std::string& who) { restart_asked(who); },
               [this] { return brain.paused(); }, [this] { return reload_mistake(options); },
               [this] { service.reloading(); }, [this] { service.not_reloaded(); },
               [this] { return child.worker_pid(); }, [this](int signal) { child.pass(signal); }}),
          service(io, manager),
          vitals(io, vitals_setup(loop_options, instance, sockets, manager.listens()),
                 {[this](const Unresponsive& end) { dispatch(Failed{end}); },
                  [this] {
                      compare_when_ready();
                      tell_service();
                  }}),
          child(
              io,
              child_setup(
                  loop_options, how, instance, sockets, vitals.notify_address(),
                  [this] { return requests.terminal().handing(); }, family),
              {[this](pid_t pid, std::uint64_t generation) { worker_started(pid, generation); },
               [this](const WorkerEnd& end) { leader_ended(end); },
               [this](int signal) { requests.worker_suspended(signal); }, [this] { tree_gone(); }}),
          builder(io, helper_setup(loop_options, how, instance, family), build_steps(loop_options),
                  ::isatty(STDERR_FILENO) == 1, [this](const BuildGone& end) { build_gone(end); }),
          down(io, loop_options.down, sockets) {
        // Armed before the first spawn: an edit during the worker's start is seen.
        if (options.watch) watch_files();
    }

    void watch_files() {
        watcher.emplace(
            io,
            FileWatcher::Setup{options.watch_paths, programs_to_watch(options),
                               PathRules(options.rules), options.vcs_ignore, options.polling,
                               options.content},
            FileWatcher::Events{[this](const std::string& path, ChangeKind kind, bool fresh) {
                                    dispatch(FileChanged{path, kind, could_be_own(path), fresh});
                                },
                                [this](const std::string& path) { dispatch(FileUnchanged{path}); },
                                [this](const FileWatcher::Compared& found) { lost(found); },
                                [](const std::string& text) { log::warn("{}", text); }});
        log::write(log_events::watching(*watching()));
    }

    // What the kernel did not tell of while the program was being read.
    void compare_when_ready() {
        if (!watcher || !vitals.ready() || ready_compared) return;
        ready_compared = true;
        watcher->compare_soon();
    }

    void lost(const FileWatcher::Compared& found) {
        log::write(log_events::events_lost(found.files, found.changed, found.complete));
        if (!found.complete) dispatch(EventsLost{});
    }

    [[nodiscard]] bool could_be_own(const std::string& path) {
        return !brain.own_writes().suspects(path) || !writers.somebody_else(path);
    }

    void build_gone(const BuildGone& end) {
        if (watcher) watcher->catch_up();  // what it wrote, it wrote while it ran
        dispatch(end);
    }

    void leader_ended(const WorkerEnd& end) {
        // On a terminal of its own it is the worker that Ctrl-C reaches; its death by that, without
        // a stop of ours, is how we learn of it, as a shell does.
        if (options.standard_input == Options::Stdin::worker && interrupted(end) &&
            std::holds_alternative<Running>(brain.lifecycle().state)) {
            dispatch(StopRequested{SIGINT});
        }
        const bool unasked = std::holds_alternative<Running>(brain.lifecycle().state);
        dispatch(LeaderEnded{unasked ? memory_kills.explain(end) : end});
    }

    void tree_gone() {
        requests.terminal().take_back();
        commentary.tree_gone(Steady::now());
        vitals.over();
        dispatch(TreeGone{});
    }

    [[nodiscard]] std::optional<control::Watching> watching() const {
        if (!watcher) return std::nullopt;
        const auto counts = watcher->counts();
        return control::Watching{counts.directories, counts.files, counts.ignored};
    }

    [[nodiscard]] control::StatusReport status() const {
        auto report = chronicle.report(brain, {child.worker_pid(), Steady::now(), watching()});
        vitals.report(report);
        report.build = builder.state();
        return report;
    }

    void restart_asked(const std::string& who) {
        chronicle.asked(who);
        announcer.restart_asked(who);
    }

    void tell_service() {
        if (!service.listens()) return;
        if (vitals.ready() && !builder.alive()) service.ready();  // a reload may be checked still
        service.status(remote_text::one_line(status()));
        const Lifecycle& life = brain.lifecycle();
        if (life.finishing || std::holds_alternative<Finished>(life.state)) service.stopping();
    }

    // Events may arise while commands are carried out; they wait their turn.
    void dispatch(Input input) {
        if (ended) return;  // nothing is decided any more, but the last hook may run
        inputs.push_back(std::move(input));
        if (std::exchange(dispatching, true)) return;
        while (!inputs.empty()) {
            const Input next = std::move(inputs.front());
            inputs.pop_front();
            const Advice advice = brain.step(next, Steady::now());
            chronicle.advised(advice, epoch_seconds());
            if (advice.suspects) writers.attend(*advice.suspects);
            if (advice.held_own_write) watcher->count_next(advice.held_own_write->path);
            if (advice.held_build_write) watcher->count_next(advice.held_build_write->path);
            for (const auto& path : advice.counted_removals)
                watcher->removal_counted(path);
            announcer.advised(advice, builder.outcome());
            for (const auto order : advice.build)
                builder.obey(order);
            for (const auto& command : advice.commands)
                std::visit([this](const auto& what) { carry_out(what); }, command);
        }
        dispatching = false;
        down.follow(brain.lifecycle(), Steady::now());
        if (finish && !builder.alive()) return end();
        timer.follow(brain.deadline());
        tell_service();
    }

    void carry_out(const Spawn&) {
        ONELOOP_CHECK(!child.alive(), "Spawn while a child lives");
        down.close();
        commentary.spawning(Steady::now());
        vitals.spawning();
        announcer.spawning(chronicle.cause());
        if (watcher) watcher->worker_starts();
        ready_compared = false;
        child.spawn();
    }
    void carry_out(const SignalTree& what) {
        using Which = SignalTree::Signal;
        const int signal = what.signal == Which::abort ? SIGABRT : options.stop_signal;
        commentary.stop_asked(child.worker_pid(), signal, Steady::now());
        vitals.over();
        child.signal_tree(signal);
        if (brain.lifecycle().restarting()) child.prepare();
    }
    void carry_out(const KillTree& kill) { child.kill_tree(kill.warden_too); }
    void carry_out(const Finish& how) { finish = how; }
    // No worker and no build is left. Once: it runs the last hook, whose own writes are events.
    void end() {
        ended = true;
        child.drop_prepared();
        result = {finish->code, finish->signal};
        if (const auto event = commentary.finished()) log::write(*event);
        requests.hand_over(listening);
        requests.close();
        vitals.close();
        tell_service();
        announcer.finish();
    }
    void carry_out(const ReportEnd& report) {
        const auto event = commentary.ended(report);
        log::write(event);
        down.ended(event.text);
        chronicle.ended(event.text, epoch_seconds());
        announcer.worker_ended(report, event.text);
    }
    void carry_out(const ReportStopTimeout& report) {
        log::write(commentary.stop_timeout(report.step, Steady::now()));
    }

    void worker_started(pid_t pid, std::uint64_t generation) {
        const auto said =
            commentary.worker_started(pid, generation, chronicle.cause(), Steady::now());
        if (!said.end_of_the_one_before.empty()) {
            chronicle.ended(said.end_of_the_one_before, epoch_seconds());
        }
        chronicle.started(generation, epoch_seconds());
        log::write(said.event);
        memory_kills.started(pid);
        writers.close_retired();
        announcer.worker_started(pid, said.event.text);
        vitals.started(pid);
        compare_when_ready();
        tell_service();
    }

    Options options;
    const std::vector<ListenSocket>& listening;
    asio::io_context io{1};
    Brain brain;
    Chronicle chronicle;
    Commentary commentary;
    const std::shared_ptr<Family> family = std::make_shared<Family>();
    Announcer announcer;
    DeadlineTimer timer;
    Requests requests;
    Service service;
    Vitals vitals;
    Child child;
    Builder builder;
    DownAnswer down;
    std::optional<FileWatcher> watcher;
    WriterWitness writers;
    MemoryKills memory_kills;
    std::deque<Input> inputs;
    bool dispatching = false;
    bool ready_compared = false;  // since this worker is ready
    std::optional<Finish> finish;
    bool ended = false;
    LoopResult result;
};

Loop::Loop(const Options& options, Isolation isolation, const Instance& instance,
           const std::vector<ListenSocket>& sockets, const ServiceManager& manager)
    : impl_(std::make_unique<Impl>(options, isolation, instance, sockets, manager)) {}
Loop::~Loop() = default;

LoopResult Loop::run() {
    impl_->dispatch(TimePassed{});  // the first spawn is due
    impl_->io.run();
    return impl_->result;
}

}  // namespace oneloop
