#include "supervisor/wiring.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/flag.h"
#include "supervisor/autokill.h"
#include "supervisor/recognition.h"

namespace oneloop {
namespace {

// "NAME=value" of something that only a worker is handed.
bool is_handed(std::string_view entry) {
    const auto handed = flag::all();
    return std::find(handed.begin(), handed.end(), entry.substr(0, entry.find('='))) !=
           handed.end();
}

}  // namespace

LifecycleOptions lifecycle_options(const Options& options) {
    LifecycleOptions result;
    result.stop_timeout = options.stop_timeout;
    result.policy.watching = options.watch;
    result.policy.on_exit = options.on_exit;
    result.policy.on_crash = options.on_crash;
    result.policy.exit_3_reloads = options.preset->exit_3_reloads;
    return result;
}

ChangeGate::Options gate_options(const Options& options) {
    ChangeGate::Options result;
    if (options.debounce) {
        result.quiet = *options.debounce;
        result.quiet_after_removal = *options.debounce;
        result.longest_burst = std::max(result.longest_burst, 4 * *options.debounce);
        result.adaptive = false;
    }
    return result;
}

Terminal::Use terminal_use(const Options& options) {
    if (options.standard_input == Options::Stdin::worker) return Terminal::Use::worker;
    return options.stdin_quit ? Terminal::Use::end : Terminal::Use::keys;
}

Commentary::Facts commentary_facts(const Options& options, Isolation isolation) {
    Commentary::Facts facts;
    facts.command = options.command;
    if (isolation != Isolation::subreaper) facts.isolation = describe(isolation);
    facts.quick_limit = options.watch ? PolicyOptions().quick_limit : 0;
    return facts;
}

BuildOptions build_options(const Options& options) {
    BuildOptions result;
    result.enabled = !options.build.empty() || !options.check.empty();
    return result;
}

ChildSetup helper_setup(const Options& options, Isolation isolation, const Instance& instance,
                        std::shared_ptr<Family> family) {
    ChildSetup setup;
    setup.family = std::move(family);
    for (char** entry = environ; *entry; ++entry) {
        if (!is_handed(*entry)) setup.environment.emplace_back(*entry);
    }
    setup.instance = instance.uuid;
    setup.warden_path = options.warden_path;
    setup.isolation = isolation;
    return setup;
}

std::vector<Builder::Step> build_steps(const Options& options) {
    std::vector<Builder::Step> steps;
    if (!options.build.empty()) steps.push_back({"build", options.build});
    if (!options.check.empty()) steps.push_back({"check", options.check});
    return steps;
}

ChildSetup child_setup(const Options& options, Isolation isolation, const Instance& instance,
                       const std::vector<ListenSocket>& sockets, const std::string& notify_address,
                       std::function<Handing()> handing, std::shared_ptr<Family> family) {
    ChildSetup setup;
    setup.family = std::move(family);
    setup.command = options.command;
    setup.environment = worker_environment(options, instance.uuid, sockets, notify_address);
    for (const auto& socket : sockets)
        setup.sockets.push_back(socket.fd.get());
    setup.state_directory = instance.directory;
    setup.instance = instance.uuid;
    setup.warden_path = options.warden_path;
    setup.witness = instance.witness.get();
    setup.cgroup = instance.cgroup.descriptor();
    setup.cgroup_path = instance.cgroup.path();
    setup.isolation = isolation;
    // Of root, without CLONE_NNP. A warden that is no process 1 has to outlive us.
    setup.autokill = isolation == Isolation::pidns && try_autokill();
    setup.keep_stdin = options.standard_input == Options::Stdin::worker;
    setup.handing = std::move(handing);
    return setup;
}

VitalsSetup vitals_setup(const Options& options, const Instance& instance,
                         const std::vector<ListenSocket>& sockets, bool managed) {
    VitalsSetup setup;
    setup.ready = options.ready;
    setup.options = {options.ready.by, options.ready_timeout, options.watchdog};
    if (!sockets.empty()) setup.listening = sockets.front().fd.get();
    setup.directory = instance.directory;
    setup.instance = instance.uuid;
    setup.needs_socket = options.ready.by == ReadySpec::By::notify || options.watchdog > Duration{};
    setup.wants_socket = managed;
    return setup;
}

namespace {

// For programs: unlike describe(), these words stay.
const char* isolation_name(Isolation isolation) {
    switch (isolation) {
        case Isolation::subreaper:
            return "subreaper";
        case Isolation::cgroup:
            return "cgroup";
        case Isolation::pidns:
            return "pidns";
        case Isolation::user_pidns:
            return "user-pidns";
    }
    return "";
}

}  // namespace

control::StatusReport status_facts(const Options& options, Isolation isolation,
                                   const Instance& instance,
                                   const std::vector<ListenSocket>& sockets) {
    control::StatusReport facts;
    facts.version = ONELOOP_VERSION;
    facts.instance = instance.uuid;
    facts.directory = instance.directory;
    facts.lock = instance.lock.path();
    std::error_code error;
    facts.cwd = std::filesystem::current_path(error).string();
    facts.command = options.command;
    facts.supervisor_pid = ::getpid();
    facts.supervisor_since = instance.lock.read().since;
    facts.isolation = isolation_name(isolation);
    if (!is_namespace(isolation)) {
        facts.weaker.emplace_back(
            "when supervisor and warden are killed at once, what they started survives until "
            "the next start, which ends it");
    }
    int fd = flag::first_listen_fd;
    for (const auto& socket : sockets)
        facts.sockets.push_back({socket.spec.name, socket.address, fd++});
    return facts;
}

std::vector<std::string> programs_to_watch(const Options& options) {
    const std::string& program = options.command[0];
    if (!options.build.empty()) return {};
    if (program.find('/') == std::string::npos || ::access(program.c_str(), X_OK) != 0) return {};
    for (const char* system : {"/usr/", "/bin/", "/sbin/", "/lib/", "/opt/", "/nix/"}) {
        if (program.starts_with(system)) return {};
    }
    return {program};
}

std::vector<std::string> worker_environment(const Options& options, const std::string& uuid,
                                            const std::vector<ListenSocket>& sockets,
                                            const std::string& notify_address) {
    std::vector<std::string> result;
    for (char** entry = environ; *entry; ++entry) {
        if (!is_handed(*entry)) result.emplace_back(*entry);
    }
    const auto set = [&](std::string_view name, std::string_view value) {
        result.push_back(fmt::format("{}={}", name, value));
    };
    set(flag::run_main, "true");
    set(flag::instance, uuid);
    if (!sockets.empty()) {
        std::vector<std::string_view> names;
        for (const auto& socket : sockets)
            names.push_back(socket.spec.name);
        if (!names_descriptor(*options.preset, options.command)) {
            set(flag::listen_fds, std::to_string(sockets.size()));
        }
        set(flag::listen_fds_first_fd, std::to_string(flag::first_listen_fd));
        set(flag::listen_fdnames, fmt::format("{}", fmt::join(names, ":")));
    }
    if (!options.events_file.empty()) set(flag::events_file, options.events_file);
    if (!notify_address.empty()) set(flag::notify_socket, notify_address);
    if (options.watchdog > Duration{}) {
        using std::chrono::microseconds;
        set(flag::watchdog_usec,
            std::to_string(std::chrono::duration_cast<microseconds>(options.watchdog).count()));
    }
    for (const auto& [name, value] : options.preset->environment) {
        set(name, value == "{fd}" ? std::to_string(flag::first_listen_fd) : std::string(value));
    }
    return result;
}

}  // namespace oneloop
