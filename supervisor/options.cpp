#include "supervisor/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <sstream>

#include "common/duration.h"
#include "common/exit_status.h"
#include "supervisor/commands.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;

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

struct Formatter : CLI::Formatter {
    std::string make_usage(const CLI::App*, std::string) const override {
        return "Usage: supervisor [OPTIONS] [-- COMMAND [ARG...]]\n";
    }
};

struct Raw {
    std::vector<std::string> watch;
    std::vector<std::string> ignore;
    std::vector<std::string> sockets;
    std::string preset = "none";
    std::string stop_signal;
    std::string stop_timeout;
    std::string debounce;
    std::string ready = "none";
    std::string ready_timeout;
    std::string watchdog;
    std::string on_exit = "wait";
    std::string on_crash = "restart";
    std::string state_dir;
    std::string isolate = "auto";
    std::string if_running;
    std::string standard_input = "null";
    bool stdin_quit = false;
    std::string log_format = "text";
    bool flask = false;
    bool quiet = false;
    bool verbose = false;
};

tl::unexpected<Refusal> usage(const std::string& text) {
    return tl::unexpected(Refusal{exit_usage, text + "\n(supervisor --help lists the options)"});
}

tl::expected<Duration, Refusal> duration(const char* option, const std::string& text) {
    auto parsed = parse_duration(text);
    if (!parsed) return usage(fmt::format("{}: {}", option, parsed.error().what));
    return Duration(*parsed);
}

// After the sockets: a probe needs one.
std::optional<Refusal> apply_vitals(const Raw& raw, Options& options) {
    const auto ready = parse_ready(raw.ready);
    if (!ready) return usage(ready.error().what).value();
    options.ready = *ready;
    const bool asks = ready->by == ReadySpec::By::socket || ready->by == ReadySpec::By::http;
    if (asks && options.sockets.empty()) {
        return usage(fmt::format("--ready {} needs a --socket to ask through", raw.ready)).value();
    }
    if (!raw.ready_timeout.empty()) {
        auto value = duration("--ready-timeout", raw.ready_timeout);
        if (!value) return value.error();
        options.ready_timeout = *value;
    }
    if (!raw.watchdog.empty()) {
        auto value = duration("--watchdog", raw.watchdog);
        if (!value) return value.error();
        if (*value > Duration{} && *value < Readiness::shortest_period) {
            return usage(fmt::format("--watchdog {}: at least 100ms", raw.watchdog)).value();
        }
        options.watchdog = *value;
    }
    return std::nullopt;
}

std::optional<Refusal> apply(const Raw& raw, Options& options) {
    options.watch_paths = raw.watch;
    if (options.watch && options.watch_paths.empty()) options.watch_paths = {"."};
    options.ignore = raw.ignore;
    options.state_dir = raw.state_dir;
    if (raw.verbose) options.log_level = log::Level::debug;
    if (raw.quiet) options.log_level = log::Level::warn;
    if (raw.log_format == "json") options.log_format = log::Format::json;

    if (raw.flask && raw.preset != "none" && raw.preset != "flask") {
        return usage("--flask and --preset " + raw.preset + " exclude each other").value();
    }
    if (raw.flask && !options.command_given) {
        return usage("--flask needs a command: supervisor --flask --watch -- python3 app.py")
            .value();
    }
    options.preset = find_preset(raw.flask ? "flask" : raw.preset);
    if (!options.preset) {
        return usage(fmt::format("--preset {}: unknown; the presets are {}", raw.preset,
                                 preset_names()))
            .value();
    }
    options.stop_signal = options.preset->stop_signal;
    if (!raw.stop_signal.empty()) {
        options.stop_signal = parse_signal(raw.stop_signal);
        if (options.stop_signal == 0) {
            return usage(fmt::format("--stop-signal {}: no such signal", raw.stop_signal)).value();
        }
    }
    options.stop_timeout =
        options.our_worker ? our_worker_stop_timeout : options.preset->stop_timeout;
    if (!raw.stop_timeout.empty()) {
        auto value = duration("--stop-timeout", raw.stop_timeout);
        if (!value) return value.error();
        options.stop_timeout = *value;
    }
    if (!raw.debounce.empty()) {
        auto value = duration("--debounce", raw.debounce);
        if (!value) return value.error();
        options.debounce = *value;
    }
    if (raw.on_exit == "restart") options.on_exit = PolicyOptions::OnExit::restart;
    if (raw.on_exit == "exit") options.on_exit = PolicyOptions::OnExit::finish;
    if (raw.on_crash == "wait") options.on_crash = PolicyOptions::OnCrash::wait;
    if (raw.on_crash == "exit") options.on_crash = PolicyOptions::OnCrash::finish;

    // On a terminal what an editor left behind must not win; a service must not end a person's.
    const bool person = options.watch && ::isatty(STDERR_FILENO) == 1;
    options.if_running = person ? Options::IfRunning::replace : Options::IfRunning::error;
    if (raw.if_running == "error") options.if_running = Options::IfRunning::error;
    if (raw.if_running == "wait") options.if_running = Options::IfRunning::wait;
    if (raw.if_running == "replace") options.if_running = Options::IfRunning::replace;

    if (raw.standard_input == "worker") options.standard_input = Options::Stdin::worker;
    options.stdin_quit = raw.stdin_quit;
    if (raw.stdin_quit && raw.standard_input == "worker") {
        return usage("--stdin-quit and --stdin worker exclude each other: one of them reads")
            .value();
    }
    if (raw.isolate == "subreaper") options.isolate = IsolationChoice::subreaper;
    if (raw.isolate == "pidns") options.isolate = IsolationChoice::pidns;

    std::vector<std::string> sockets = raw.sockets;
    if (sockets.empty() && !options.preset->default_socket.empty()) {
        sockets.emplace_back(options.preset->default_socket);
    }
    for (const auto& text : sockets) {
        auto spec = parse_socket(text);
        if (!spec) return usage(spec.error().what).value();
        options.sockets.push_back(std::move(*spec));
    }
    return apply_vitals(raw, options);
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

// CLI11 2.1 takes a value in brackets for a list: "[id]" would become "id". With
// "./" in front it is left alone, and is the same path.
std::vector<std::string> shield_brackets(char** begin, char** end) {
    std::vector<std::string> arguments(begin, end);
    bool in_watch = false;
    for (auto& argument : arguments) {
        if (argument.starts_with('-')) {
            in_watch = argument == "-w" || argument == "--watch";
        } else if (in_watch && argument.starts_with('[') && argument.ends_with(']')) {
            argument.insert(0, "./");
        }
    }
    return arguments;
}

}  // namespace

tl::expected<Options, Refusal> parse_options(int argc, char** argv) {
    // What follows the first "--" is the user's, to the letter; CLI11 never sees it.
    char** const end = argv + argc;
    char** const dashes =
        std::find_if(argv, end, [](const char* a) { return std::string_view(a) == "--"; });
    Options options;
    Raw raw;
    if (dashes != end) {
        options.command.assign(dashes + 1, end);
        if (options.command.empty()) return usage("there is no command after --");
    }

    CLI::App app{"Keeps exactly one worker running and restarts it when files change.",
                 "supervisor"};
    app.formatter(std::make_shared<Formatter>());
    app.footer("Without a COMMAND it runs the worker that comes with oneloop.\n" +
               describe_commands());
    auto* watch =
        app.add_option("-w,--watch", raw.watch,
                       "restart when something below PATH changes (alone: the current directory)")
            ->type_name("[PATH...]")
            ->expected(0, -1);
    app.add_option("-i,--ignore", raw.ignore, "files and directories that do not count")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    app.add_option("--socket", raw.sockets,
                   "listen here and hand the socket over from descriptor 3 on")
        ->type_name("[NAME=]ADDR")
        ->allow_extra_args(false);
    app.add_option("--preset", raw.preset, "what the command expects: " + preset_names())
        ->type_name("NAME");
    app.add_flag("--flask", raw.flask, "short for --preset flask");
    app.add_option("--stop-signal", raw.stop_signal,
                   "first signal of a stop (TERM; INT with --flask)")
        ->type_name("SIG");
    app.add_option(
           "--stop-timeout", raw.stop_timeout,
           "kill what has not stopped by then (10s; 2s with --flask, 35s for our own worker)")
        ->type_name("DUR");
    app.add_option("-d,--debounce", raw.debounce, "quiet time after a change (adaptive from 3ms)")
        ->type_name("DUR");
    app.add_option("--ready", raw.ready,
                   "when a worker is ready: none (at once), notify, socket or http:/PATH")
        ->type_name("HOW");
    app.add_option("--ready-timeout", raw.ready_timeout,
                   "a worker that is not ready by then has failed (90s; 0: no limit)")
        ->type_name("DUR");
    app.add_option("--watchdog", raw.watchdog,
                   "a worker that says nothing (WATCHDOG=1) for so long has failed")
        ->type_name("DUR");
    app.add_option("--on-exit", raw.on_exit, "when the worker exits with 0: wait, restart or exit")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"wait", "restart", "exit"}));
    app.add_option(
           "--on-crash", raw.on_crash,
           "when it ends in any other way: restart (with growing delays), wait for a change, "
           "or exit with its code")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"restart", "wait", "exit"}));
    app.add_option("--state-dir", raw.state_dir, "directory of this instance's locks")
        ->type_name("DIR");
    app.add_option(
           "--if-running", raw.if_running,
           "when this instance already runs: error, wait or replace (replace with --watch on a "
           "terminal, else error)")
        ->type_name("HOW")
        ->check(CLI::IsMember({"error", "wait", "replace"}));
    app.add_option("--stdin", raw.standard_input,
                   "the worker's standard input: null, or worker: ours, the terminal with it")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"null", "worker"}));
    app.add_flag("--stdin-quit", raw.stdin_quit, "stop when our standard input ends");
    app.add_option("--isolate", raw.isolate,
                   "how a tree is kept together: auto, subreaper or pidns")
        ->type_name("HOW")
        ->check(CLI::IsMember({"auto", "subreaper", "pidns"}));
    app.add_option("--log-format", raw.log_format, "our log: text, or json: one object a line")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    app.add_flag("-q,--quiet", raw.quiet, "warnings only");
    app.add_flag("-v,--verbose", raw.verbose, "more");
    app.set_version_flag("-V,--version", "oneloop " ONELOOP_VERSION);

    try {
        auto arguments = shield_brackets(argv + 1, dashes);
        std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
        app.parse(std::move(arguments));
    } catch (const CLI::Success& success) {  // --help, --version
        std::ostringstream out;
        std::ostringstream err;
        app.exit(success, out, err);
        std::string text = out.str();
        while (!text.empty() && text.back() == '\n')
            text.pop_back();
        return tl::unexpected(Refusal{exit_ok, text});
    } catch (const CLI::ExtrasError& error) {
        const auto extras = app.remaining();
        const bool flag = !extras.empty() && extras[0].starts_with('-');
        if (flag) return usage(fmt::format("unknown option {}", extras[0]));
        return usage(
            fmt::format("a command follows --: supervisor … -- {}", fmt::join(extras, " ")));
    } catch (const CLI::ParseError& error) {
        return usage(error.what());
    }
    options.watch = watch->count() > 0;
    // CLI11 stands in for "--watch alone" with one empty value.
    std::erase(raw.watch, "");
    for (auto& path : raw.watch) {
        if (path.starts_with("./[") && path.ends_with(']')) path.erase(0, 2);
    }
    if (auto refusal = resolve_command(options)) return tl::unexpected(*refusal);
    if (auto refusal = apply(raw, options)) return tl::unexpected(*refusal);
    return options;
}

}  // namespace oneloop
