#include "supervisor/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "common/duration.h"
#include "common/exit_status.h"
#include "common/journal.h"
#include "common/read_text.h"
#include "supervisor/command_line.h"
#include "supervisor/path_rules.h"
#include "supervisor/server_options.h"

namespace oneloop {

namespace fs = std::filesystem;

void ignore_own(Options& options, const std::string& absolute,
                const std::vector<std::string>& endings) {
    const fs::path whole = absolute;
    for (const auto& path : {whole, whole.lexically_proximate(fs::current_path())}) {
        for (const auto& ending : endings) {
            const auto pattern = ignore_pattern(path.string() + ending, options.watch_paths);
            if (pattern) options.rules.ignore.push_back(*pattern);
        }
    }
}

namespace {

// Our own worker finishes a mail in flight; see the worker's delivery limits.
constexpr Duration our_worker_stop_timeout = std::chrono::seconds(35);

fs::path own_directory() {
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error).parent_path();
}

// Beside us in the build tree, or where an installation puts what is not for people's PATH.
std::string find_helper(const std::string& in_build_tree, const std::string& name) {
    for (const fs::path& candidate :
         {own_directory() / in_build_tree, own_directory() / "../libexec/oneloop" / name}) {
        if (::access(candidate.c_str(), X_OK) == 0) return candidate.lexically_normal().string();
    }
    return "";
}

tl::expected<Duration, Refusal> duration(const char* option, const std::string& text) {
    auto parsed = parse_duration(text);
    if (!parsed) return usage(fmt::format("{}: {}", option, parsed.error().what));
    return Duration(*parsed);
}

std::optional<Refusal> apply_hooks(const CommandLine& line, Options& options) {
    constexpr std::array<std::string_view, 5> events = {"start", "restart", "crash", "stop",
                                                        "build-failed"};
    for (const auto& text : line.hooks) {
        const auto equals = text.find('=');
        const HookSpec hook{text.substr(0, equals),
                            equals == std::string::npos ? "" : text.substr(equals + 1)};
        if (std::find(events.begin(), events.end(), hook.event) == events.end() ||
            hook.line.empty()) {
            return usage(fmt::format("--hook {}: it is EVENT=CMD; the events are {}", text,
                                     fmt::join(events, ", ")))
                .value();
        }
        options.hooks.push_back(hook);
    }
    return std::nullopt;
}

void ignore_events_file(Options& options) {
    if (options.events_file.empty()) return;
    options.events_file = fs::absolute(options.events_file).lexically_normal().string();
    ignore_own(options, options.events_file, {"", ".tmp"});
}

// After the sockets: a probe needs one.
std::optional<Refusal> apply_vitals(const CommandLine& line, Options& options) {
    const auto ready = parse_ready(line.ready);
    if (!ready) return usage(ready.error().what).value();
    options.ready = *ready;
    const bool asks = ready->by == ReadySpec::By::socket || ready->by == ReadySpec::By::http;
    if (asks && options.sockets.empty()) {
        return usage(fmt::format("--ready {} needs a --socket to ask through", line.ready)).value();
    }
    if (asks && options.sockets.front().is_unix()) {
        return usage(fmt::format("--ready {} asks through TCP, and the first --socket is a path",
                                 line.ready))
            .value();
    }
    if (!line.ready_timeout.empty()) {
        auto value = duration("--ready-timeout", line.ready_timeout);
        if (!value) return value.error();
        options.ready_timeout = *value;
    }
    if (!line.watchdog.empty()) {
        auto value = duration("--watchdog", line.watchdog);
        if (!value) return value.error();
        if (*value > Duration{} && *value < Readiness::shortest_period) {
            return usage(fmt::format("--watchdog {}: at least 100ms", line.watchdog)).value();
        }
        options.watchdog = *value;
    }
    return std::nullopt;
}

std::optional<Refusal> apply_rules(const CommandLine& line, Options& options) {
    auto& rules = options.rules;
    rules.ignore = line.ignore;
    rules.filter = line.filter;
    rules.defaults = !line.no_default_ignore;
    options.vcs_ignore = !line.no_vcs_ignore;
    options.list = line.list;
    if (line.polls && line.no_poll) return usage("--poll and --no-poll exclude each other").value();
    if (line.polls) options.polling.when = PollOptions::When::always;
    if (line.no_poll) options.polling.when = PollOptions::When::never;
    if (!line.poll.empty()) {
        auto value = duration("--poll", line.poll);
        if (!value) return value.error();
        if (*value < std::chrono::milliseconds(10)) {
            return usage(fmt::format("--poll {}: at least 10ms", line.poll)).value();
        }
        options.polling.every = *value;
    }
    if (!line.exts.empty()) {
        rules.exts = parse_extensions(line.exts);
        if (rules.exts.empty()) {
            return usage(fmt::format("--exts {}: a list like py,html", line.exts)).value();
        }
    }
    for (const auto& path : line.ignore_file) {
        if (::access(path.c_str(), R_OK) != 0 || std::filesystem::is_directory(path)) {
            return usage(fmt::format("--ignore-file {}: can't be read", path)).value();
        }
        for (auto& one : parse_ignore_lines(read_text(path), path))
            rules.lines.push_back(std::move(one));
    }
    return std::nullopt;
}

std::optional<Refusal> apply(const CommandLine& line, Options& options) {
    options.watch_paths = line.watch;
    if ((options.watch || line.list) && options.watch_paths.empty()) options.watch_paths = {"."};
    if (auto refusal = apply_rules(line, options)) return refusal;
    options.content = line.content == "on";
    options.build = line.build;
    options.events_file = line.events_file;
    options.clear = line.clear;
    options.bell = line.bell;
    options.notify = line.notify;
    if (line.color == "always") options.color = log::Color::always;
    if (line.color == "never") options.color = log::Color::never;
    ignore_events_file(options);
    if (auto refusal = apply_hooks(line, options)) return refusal;
    options.check = line.check;
    options.state_dir = line.state_dir;
    if (line.verbose) options.log_level = log::Level::debug;
    if (line.quiet) options.log_level = log::Level::warn;
    if (line.log_format == "json") options.log_format = log::Format::json;
    options.journal = line.log_format == "journal" ||
                      (line.log_format == "auto" && journal::is_stream(STDERR_FILENO));

    if (auto refusal = apply_preset(line, options)) return refusal;
    options.stop_signal = options.preset->stop_signal;
    if (!line.stop_signal.empty()) {
        options.stop_signal = parse_signal(line.stop_signal);
        if (options.stop_signal == 0) {
            return usage(fmt::format("--stop-signal {}: no such signal", line.stop_signal)).value();
        }
    }
    options.stop_timeout =
        options.our_worker ? our_worker_stop_timeout : options.preset->stop_timeout;
    if (!line.stop_timeout.empty()) {
        auto value = duration("--stop-timeout", line.stop_timeout);
        if (!value) return value.error();
        options.stop_timeout = *value;
    }
    if (!line.debounce.empty()) {
        auto value = duration("--debounce", line.debounce);
        if (!value) return value.error();
        options.debounce = *value;
    }
    if (line.on_exit == "restart") options.on_exit = PolicyOptions::OnExit::restart;
    if (line.on_exit == "exit") options.on_exit = PolicyOptions::OnExit::finish;
    if (line.on_crash == "wait") options.on_crash = PolicyOptions::OnCrash::wait;
    if (line.on_crash == "exit") options.on_crash = PolicyOptions::OnCrash::finish;

    // On a terminal what an editor left behind must not win; a service must not end a person's.
    const bool person = options.watch && ::isatty(STDERR_FILENO) == 1;
    options.if_running = person ? Options::IfRunning::replace : Options::IfRunning::error;
    if (line.if_running == "error") options.if_running = Options::IfRunning::error;
    if (line.if_running == "wait") options.if_running = Options::IfRunning::wait;
    if (line.if_running == "replace") options.if_running = Options::IfRunning::replace;

    if (line.standard_input == "worker") options.standard_input = Options::Stdin::worker;
    options.stdin_quit = line.stdin_quit;
    if (line.stdin_quit && line.standard_input == "worker") {
        return usage("--stdin-quit and --stdin worker exclude each other: one of them reads")
            .value();
    }
    if (line.isolate == "subreaper") options.isolate = IsolationChoice::subreaper;
    if (line.isolate == "cgroup") options.isolate = IsolationChoice::cgroup;
    if (line.isolate == "pidns") options.isolate = IsolationChoice::pidns;

    if (auto refusal = apply_sockets(line, options)) return refusal;
    return apply_vitals(line, options);
}

// "worker" without a slash is ours; so is no command at all.
std::optional<Refusal> resolve_command(Options& options) {
    auto& command = options.command;
    options.command_given = !command.empty();
    if (command.empty()) command = {"worker"};
    if (command[0] == "worker") {
        const std::string found = find_helper("../worker/worker", "worker");
        if (!found.empty()) {
            command[0] = found;
            options.our_worker = true;
        }
    }
    options.warden_path = find_helper("warden", "warden");
    if (options.warden_path.empty()) {
        return Refusal{exit_internal, fmt::format("the warden is missing: it belongs beside {}",
                                                  (own_directory() / "supervisor").string())};
    }
    return std::nullopt;
}

// What a file says is refused with its place there.
Refusal located(const CommandLine& line, const Refusal& refusal) {
    for (const auto& [option, place] : line.origins) {
        if (!refusal.text.starts_with(option)) continue;
        const auto next = refusal.text.substr(option.size(), 1);
        if (next == " " || next == ":") return {exit_config, place + ": " + refusal.text};
    }
    return refusal;
}

}  // namespace

tl::expected<Options, Refusal> parse_options(int argc, char** argv) {
    auto line = parse_command_line(argc, argv);
    if (!line) return tl::unexpected(line.error());
    Options options;
    options.typed.assign(argv, argv + argc);
    options.effective = line->effective;
    options.command = std::move(line->command);
    options.watch = line->watches;
    if (auto refusal = resolve_command(options)) return tl::unexpected(*refusal);
    if (auto refusal = apply(*line, options)) return tl::unexpected(located(*line, *refusal));
    return options;
}

}  // namespace oneloop
