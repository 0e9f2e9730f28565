#include "worker/options.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/exit_status.h"

namespace oneloop::worker {

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
    CLI::App app(
        "Polls showtimes and serves what it sees. It polls only when a supervisor started "
        "it and handed it the lock, or with --standalone.",
        "worker");
    Options options;
    app.add_option("--config", options.config, "The configuration")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_flag("--standalone", options.standalone, "Poll without a supervisor");
    app.add_option("--record", options.record, "Append each request and its reply to FILE")
        ->type_name("FILE");
    app.add_flag("--check", options.check,
                 "Check the configuration and exit: 0, or 78 with errors");
    auto* commands = app.add_option_group("Commands", "Instead of polling and serving");
    commands->add_flag("--print-config", options.print_config,
                       "Print what the configuration means, without its secrets");
    commands->add_flag("--dry-run", options.dry_run,
                       "Poll each watch once, print what would be sent, store and send nothing");
    commands
        ->add_option("--test-channel", options.test_channel, "Send a test message through ID now")
        ->type_name("ID");
    commands->add_flag("--token", options.token,
                       "Print the address of the page with the token for its buttons");
    commands->add_flag("--outbox", options.outbox,
                       "List the messages that are waiting, uncertain or given up");
    commands->add_option("--resend", options.resend, "Send an uncertain or dead message again")
        ->type_name("KEY");
    commands->add_option("--skip", options.skip, "Let an uncertain or dead message be")
        ->type_name("KEY");
    commands->add_flag("--state", options.state, "Print what is known of each watch");
    commands
        ->add_option("--explain", options.explain,
                     "Print what is known of a showtime, an event or a message, and why it is told")
        ->type_name("ID");
    commands
        ->add_option("--replay", options.replay,
                     "Print what the replies in FILE would lead to, with an empty memory")
        ->type_name("FILE");
    commands->add_flag("--once", options.once, "Poll what is due, store it, tell it, and exit");
    commands->require_option(0, 1);
    app.set_version_flag("--version", "worker " ONELOOP_VERSION, "Print the version and exit");
    app.set_help_flag("-h,--help", "Print this help and exit");
    app.footer(
        "Exit codes: 0 stopped, 64 command line, 69 port in use or not sent, 70 internal,\n"
        "75 already running, 78 configuration or state file.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {
        exit_code = app.exit(asked);  // prints the help or the version
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        std::fprintf(stderr, "worker: %s (see worker --help)\n", error.what());
        exit_code = exit_usage;
        return std::nullopt;
    }
    return options;
}

}  // namespace oneloop::worker
