#include "supervisor/command_options.h"

#include <CLI/CLI.hpp>

#include "supervisor/presets.h"

namespace oneloop {

void add_options(CLI::App& app, CommandLine& line) {
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
    app.add_option("--down", line.down,
                   "what clients of the sockets get while no worker lives and none starts: 503, "
                   "hold or refuse (503 for TCP with an HTTP preset, else hold)")
        ->type_name("HOW")
        ->check(CLI::IsMember({"503", "hold", "refuse"}));
    app.add_option("--preset", line.preset,
                   "what the command expects: auto (as recognised), " + preset_names())
        ->type_name("NAME");
    app.add_flag("--flask", line.flask, "short for --preset flask");
    app.add_option("--stop-signal", line.stop_signal,
                   "first signal of a stop (TERM; INT with presets flask and django)")
        ->type_name("SIG");
    app.add_option("--stop-timeout", line.stop_timeout,
                   "kill what has not stopped by then (10s; the preset's; 35s for our own worker)")
        ->type_name("DUR");
    app.add_option("-d,--debounce", line.debounce, "quiet time after a change (adaptive from 3ms)")
        ->type_name("DUR");
    app.add_option(
           "--build", line.build,
           "build with this line for the shell first; the old worker runs on until it succeeds")
        ->type_name("CMD");
    app.add_option("--check", line.check, "the same, after --build: a test of what is about to run")
        ->type_name("CMD");
    app.add_option("--hook", line.hooks,
                   "run CMD at each start, restart, crash, stop or build-failed")
        ->type_name("EVENT=CMD")
        ->allow_extra_args(false);
    app.add_option("--events-file", line.events_file,
                   "write what changed here, for the worker that is started for it")
        ->type_name("FILE");
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
    app.add_option("--log-format", line.log_format,
                   "our log: text, json: one object a line, journal: with fields, or auto")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"auto", "text", "json", "journal"}));
    app.add_option("--color", line.color, "colours in our log: auto, always or never")
        ->type_name("WHEN")
        ->check(CLI::IsMember({"auto", "always", "never"}));
    app.add_flag("--clear", line.clear, "clear the terminal at each change");
    app.add_flag("--bell", line.bell, "ring the terminal's bell at a crash or a failed build");
    app.add_flag("--notify", line.notify,
                 "tell the desktop of a crash or a failed build, and of the start after it");
    app.add_option("--config", line.config,
                   "options from the table [supervisor] of this TOML file; what is typed wins")
        ->type_name("FILE");
    app.add_option("--completions", line.completions,
                   "print what a shell needs to complete our options: bash, zsh or fish")
        ->type_name("SHELL")
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    app.add_flag("-q,--quiet", line.quiet, "warnings only");
    app.add_flag("-v,--verbose", line.verbose, "more");
    app.set_version_flag("-V,--version", "oneloop " ONELOOP_VERSION);
}

}  // namespace oneloop
