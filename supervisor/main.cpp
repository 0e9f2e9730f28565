// supervisor: keeps exactly one worker running.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <system_error>

#include "common/color.h"
#include "common/duration.h"
#include "common/exit_status.h"
#include "common/flag.h"
#include "common/journal.h"
#include "common/log.h"
#include "common/notify.h"
#include "supervisor/commands.h"
#include "supervisor/file_watcher.h"
#include "supervisor/handover.h"
#include "supervisor/instance.h"
#include "supervisor/listening.h"
#include "supervisor/listing.h"
#include "supervisor/loop.h"
#include "supervisor/messages.h"
#include "supervisor/options.h"
#include "supervisor/takeover.h"
#include "supervisor/turn_away.h"
#include "supervisor/witness.h"

namespace oneloop {
namespace {

// Thrown by the steps of start-up, caught once below.
struct StartError {
    int code;
    std::string text;
};

// After clean-up, so that a shell sees what ended us.
[[noreturn]] void die_by(int signal) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
    ::_exit(128 + signal);
}

// What the holder of the instance's lock may take to stop, and a little more.
std::chrono::milliseconds patience(const Options& options) {
    return std::chrono::ceil<std::chrono::milliseconds>(options.stop_timeout) +
           std::chrono::seconds(2);
}

// False when somebody is still there.
bool replace_by_signal(const std::string& directory, std::chrono::milliseconds limit,
                       const std::string& remark) {
    using Outcome = EndResult::Outcome;
    bool gone = true;
    for (const auto& result : end_holder(directory, limit)) {
        log::info("taking over: supervisor {} {}{}{}", result.pid, describe(result.outcome),
                  result.reason.empty() ? "" : ": " + result.reason, remark);
        gone = gone && result.outcome != Outcome::refused && result.outcome != Outcome::stuck;
    }
    return gone;
}

// Asked first: who answers hands its sockets over, and no connection is refused meanwhile.
bool replace(const std::string& directory, std::chrono::milliseconds limit,
             std::vector<ListenSocket>& handed) {
    constexpr std::chrono::seconds told_before{2};
    auto released = request_release(directory, limit);
    if (!released) {
        const Error& error = released.error();
        if (error.code == EBUSY) throw StartError{exit_running, "already running: " + error.what};
        // Told to stop, it has had its time.
        return replace_by_signal(directory, error.code == ETIMEDOUT ? told_before : limit,
                                 "; it handed no socket over: " + error.what);
    }
    for (const auto& text : released->trouble)
        log::warn("not taken over from supervisor {}: {}", released->from, text);
    log::info("taking over: supervisor {} stopped and handed over {}", released->from,
              messages::plural(released->sockets.size(), "socket", "sockets"));
    for (auto& socket : released->sockets)
        handed.push_back(std::move(socket));
    return released->gone || replace_by_signal(directory, told_before, "");
}

// Ends the supervisor that runs, or waits until it has ended, as --if-running says. True when the
// lock is worth another try even if somebody else has it by now.
bool make_way(const Options& options, const std::string& directory,
              std::vector<ListenSocket>& handed) {
    using IfRunning = Options::IfRunning;
    if (options.if_running == IfRunning::replace) {
        return replace(directory, patience(options), handed);
    }
    if (options.if_running == IfRunning::wait) {
        log::info("already running; waiting up to {} for its end",
                  format_duration(patience(options)));
        wait_for_lock(directory, patience(options));
    }
    return false;
}

void report_leftovers(const Instance& instance) {
    const auto left = end_leftovers(instance);
    if (!left.empty()) log::warn("{}", describe_leftovers(left));
    reclaim_cgroup(instance.directory, instance.uuid);
}

// A newcomer whose lock file is another one than the running supervisor's gets no further than
// this.
void take_name(Instance& instance) {
    constexpr std::chrono::seconds patience{2};
    auto witness = take_witness(instance.directory, patience);
    if (!witness && witness.error().code == ESTALE) {
        // The supervisor that took it is dead, so what keeps it is a leftover: a stopped warden.
        report_leftovers(instance);
        witness = take_witness(instance.directory, patience);
    }
    if (!witness) {
        const int code = witness.error().code;
        const bool running = code == EADDRINUSE || code == ESTALE;
        throw StartError{running ? exit_running : exit_internal, witness.error().what};
    }
    if (!*witness) log::warn("somebody else took this instance's name; the lock files stand alone");
    instance.witness = std::move(*witness);
}

// `handed`: the sockets of the one that ran before.
Instance take_instance(const Options& options, std::vector<ListenSocket>& handed) {
    auto directory = instance_directory(options.state_dir, options.command);
    if (!directory) throw StartError{exit_unavailable, directory.error().what};
    auto instance = open_instance(*directory, options.command);
    // Between two holders the lock is free, and somebody else may come first. Not a reason to give
    // up: without the sockets, which we have, he gets nowhere.
    bool again = true;
    for (int tries = 3; again && tries > 0; --tries) {
        if (instance || instance.error().code != EWOULDBLOCK) break;
        again = make_way(options, *directory, handed);
        instance = open_instance(*directory, options.command);
    }
    if (!instance) {
        const bool running = instance.error().code == EWOULDBLOCK;
        throw StartError{running ? exit_running : exit_unavailable, instance.error().what};
    }
    take_name(*instance);
    report_leftovers(*instance);
    return std::move(*instance);
}

Isolation choose_isolation(const Options& options) {
    const auto plan = plan_isolation(options.isolate);
    if (!plan) throw StartError{exit_unavailable, plan.error().what};
    if (!plan->fallback.empty()) {
        log::warn(
            "{}: when supervisor and warden are killed at once, what they started survives until "
            "the next start, which ends it",
            plan->fallback);
    }
    return plan->isolation;
}

void take_cgroup(Instance& instance) {
    auto group = WorkerCgroup::make(instance.directory, instance.uuid);
    if (!group) throw StartError{exit_unavailable, group.error().what};
    instance.cgroup = std::move(*group);
}

// Started with one of them closed, the next file we open would be it, and our messages would go
// there.
void fill_standard_descriptors() {
    for (;;) {
        const int fd = ::open("/dev/null", O_RDWR);
        if (fd < 0) return;
        if (fd > STDERR_FILENO) {
            ::close(fd);
            return;
        }
    }
}

int run(int argc, char** argv) {
    fill_standard_descriptors();
    ::signal(SIGCHLD,
             SIG_DFL);  // some parents leave it ignored, and then no child can be waited for

    log::open("supervisor");
    if (const auto* command = argc > 1 ? find_command(argv[1]) : nullptr) {
        return command->run({argv + 2, argv + argc});
    }

    // What was asked for.
    auto options = parse_options(argc, argv);
    if (!options) {
        const Refusal& refusal = options.error();
        if (refusal.code == exit_ok) {
            fmt::print("{}\n", refusal.text);
        } else {
            log::error("{}", refusal.text);
            for (const GivenSocket& given : take_given_sockets())
                turn_away(given.fd.get(), "its configuration is wrong");
        }
        return refusal.code;
    }
    log::set_color(options->color);
    log::open("supervisor", options->log_level, options->log_format);
    if (options->journal) journal::take();
    if (options->list) return list_watched(*options, std::cout);
    if (options->recognised) {
        log::info("recognised {}: {} (--preset none: as any program)", options->preset->name,
                  options->preset->effect);
    }

    // We may ourselves be somebody's worker, or a service manager's service: nothing of that
    // reaches what we start.
    const ServiceManager manager = find_service_manager();
    std::vector<GivenSocket> given = take_given_sockets();
    for (const char* name : flag::all())
        ::unsetenv(name);

    LoopResult result;
    try {
        // From here on no second supervisor of this instance gets further.
        std::vector<ListenSocket> handed;
        Instance instance = take_instance(*options, handed);
        ignore_own(*options, instance.directory, {"/"});

        const Isolation isolation = choose_isolation(*options);
        if (isolation == Isolation::cgroup) take_cgroup(instance);

        // From here on clients can connect, and wait until the first worker answers.
        const SocketPaths paths{options->sockets};
        const auto sockets =
            open_sockets(options->sockets, std::move(handed), std::move(given), manager);
        if (!sockets) throw StartError{exit_unavailable, sockets.error().what};

        // From here on no edit is missed.
        Loop loop(*options, isolation, instance, *sockets, manager);
        for (const auto& socket : *sockets) {
            log::info("socket {} {} -> fd {}", socket.spec.name, socket.address,
                      flag::first_listen_fd + (&socket - sockets->data()));
        }

        // From here on there is at most one worker, and at the end of run() none.
        result = loop.run();
        if (result.code == exit_config) {
            for (const ListenSocket& socket : *sockets)
                turn_away(socket.fd.get(), "its configuration is wrong");
        }
        instance.cgroup.remove();
    } catch (const StartError& error) {
        log::error("{}", error.text);
        return error.code;
    } catch (const WatchError& error) {
        log::error("{}{}", error.what(),
                   options->command_given ? "" : " (a command of your own follows --)");
        return exit_unavailable;
    } catch (const std::exception& error) {
        log::error("{}", error.what());
        return exit_internal;
    }
    if (result.signal) die_by(result.signal);
    return result.code;
}

}  // namespace
}  // namespace oneloop

int main(int argc, char** argv) {
    try {
        return oneloop::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "supervisor: %s\n", error.what());
        return oneloop::exit_internal;
    }
}
