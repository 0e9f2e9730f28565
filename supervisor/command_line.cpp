#include "supervisor/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <sstream>

#include "common/exit_status.h"
#include "supervisor/commands.h"
#include "supervisor/presets.h"

namespace oneloop {
namespace {

struct Formatter : CLI::Formatter {
    std::string make_usage(const CLI::App*, std::string) const override {
        return "Usage: supervisor [OPTIONS] [-- COMMAND [ARG...]]\n";
    }
};

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

tl::unexpected<Refusal> usage(const std::string& text) {
    return tl::unexpected(Refusal{exit_usage, text + "\n(supervisor --help lists the options)"});
}

tl::expected<CommandLine, Refusal> parse_command_line(int argc, char** argv) {
    // What follows the first "--" is the user's, to the letter; CLI11 never sees it.
    char** const end = argv + argc;
    char** const dashes =
        std::find_if(argv, end, [](const char* a) { return std::string_view(a) == "--"; });
    CommandLine line;
    if (dashes != end) {
        line.command.assign(dashes + 1, end);
        if (line.command.empty()) return usage("there is no command after --");
    }

    CLI::App app{"Keeps exactly one worker running and restarts it when files change.",
                 "supervisor"};
    app.formatter(std::make_shared<Formatter>());
    app.footer("Without a COMMAND it runs the worker that comes with oneloop.\n" +
               describe_commands());
    auto* watch =
        app.add_option("-w,--watch", line.watch,
                       "restart when something below PATH changes (alone: the current directory)")
            ->type_name("[PATH...]")
            ->expected(0, -1);
    app.add_option("-i,--ignore", line.ignore, "files and directories that do not count")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    app.add_option("-e,--exts", line.exts, "only files with these extensions count: py,html")
        ->type_name("LIST");
    app.add_option("-f,--filter", line.filter, "only these files count, and those of --exts")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    app.add_option("--ignore-file", line.ignore_file, "a file with a glob a line, ! for exceptions")
        ->type_name("FILE")
        ->allow_extra_args(false);
    app.add_flag("--no-vcs-ignore", line.no_vcs_ignore, "what .gitignore names counts too");
    app.add_flag("--no-default-ignore", line.no_default_ignore,
                 "build results, caches and editors' files count too");
    app.add_flag("--list", line.list, "say what would be watched and what not, by which rule");
    auto* poll =
        app.add_option("--poll", line.poll,
                       "look at everything that often instead of waiting for events (500ms)")
            ->type_name("[DUR]")
            ->expected(0, 1);
    app.add_flag("--no-poll", line.no_poll, "wait for events, even where none may come");
    app.add_option("--content", line.content,
                   "on: a file that is saved with the same bytes restarts nothing; off: it does")
        ->type_name("on|off")
        ->check(CLI::IsMember({"on", "off"}));
    app.add_option("--socket", line.sockets,
                   "listen here and hand the socket over from descriptor 3 on")
        ->type_name("[NAME=]ADDR")
        ->allow_extra_args(false);
    app.add_option("--preset", line.preset, "what the command expects: " + preset_names())
        ->type_name("NAME");
    app.add_flag("--flask", line.flask, "short for --preset flask");
    app.add_option("--stop-signal", line.stop_signal,
                   "first signal of a stop (TERM; INT with --flask)")
        ->type_name("SIG");
    app.add_option(
           "--stop-timeout", line.stop_timeout,
           "kill what has not stopped by then (10s; 2s with --flask, 35s for our own worker)")
        ->type_name("DUR");
    app.add_option("-d,--debounce", line.debounce, "quiet time after a change (adaptive from 3ms)")
        ->type_name("DUR");
    app.add_option(
           "--build", line.build,
           "build with this line for the shell first; the old worker runs on until it succeeds")
        ->type_name("CMD");
    app.add_option("--check", line.check, "the same, after --build: a test of what is about to run")
        ->type_name("CMD");
    app.add_option("--ready", line.ready,
                   "when a worker is ready: none (at once), notify, socket or http:/PATH")
        ->type_name("HOW");
    app.add_option("--ready-timeout", line.ready_timeout,
                   "a worker that is not ready by then has failed (90s; 0: no limit)")
        ->type_name("DUR");
    app.add_option("--watchdog", line.watchdog,
                   "a worker that says nothing (WATCHDOG=1) for so long has failed")
        ->type_name("DUR");
    app.add_option("--on-exit", line.on_exit, "when the worker exits with 0: wait, restart or exit")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"wait", "restart", "exit"}));
    app.add_option(
           "--on-crash", line.on_crash,
           "when it ends in any other way: restart (with growing delays), wait for a change, "
           "or exit with its code")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"restart", "wait", "exit"}));
    app.add_option("--state-dir", line.state_dir, "directory of this instance's locks")
        ->type_name("DIR");
    app.add_option(
           "--if-running", line.if_running,
           "when this instance already runs: error, wait or replace (replace with --watch on a "
           "terminal, else error)")
        ->type_name("HOW")
        ->check(CLI::IsMember({"error", "wait", "replace"}));
    app.add_option("--stdin", line.standard_input,
                   "the worker's standard input: null, or worker: ours, the terminal with it")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"null", "worker"}));
    app.add_flag("--stdin-quit", line.stdin_quit, "stop when our standard input ends");
    app.add_option("--isolate", line.isolate,
                   "how a tree is kept together: auto, subreaper, cgroup or pidns")
        ->type_name("HOW")
        ->check(CLI::IsMember({"auto", "subreaper", "cgroup", "pidns"}));
    app.add_option("--log-format", line.log_format, "our log: text, or json: one object a line")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    app.add_flag("-q,--quiet", line.quiet, "warnings only");
    app.add_flag("-v,--verbose", line.verbose, "more");
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
    line.watches = watch->count() > 0;
    line.polls = poll->count() > 0;
    // CLI11 stands in for "--watch alone" with one empty value.
    std::erase(line.watch, "");
    for (auto& path : line.watch) {
        if (path.starts_with("./[") && path.ends_with(']')) path.erase(0, 2);
    }
    return line;
}

}  // namespace oneloop
