#include "supervisor/remote_commands.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "common/exit_status.h"
#include "common/log.h"
#include "supervisor/cleaner.h"
#include "supervisor/instance.h"
#include "supervisor/reload_verdict.h"
#include "supervisor/remote.h"
#include "supervisor/remote_text.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;
using control::Request;

constexpr auto ask_again = std::chrono::milliseconds(50);  // how a reload goes

struct Stop {
    int code;
    std::string text;  // nothing to say when empty
};

struct Arguments {
    std::string place;  // an instance's directory, or one that holds such
    bool named = false;
    bool json = false;
};

Arguments parse(const char* name, const std::vector<std::string>& arguments, bool knows_json) {
    const std::string usage = fmt::format("usage: supervisor {}{} [--state-dir DIR]", name,
                                          knows_json ? " [--json]" : "");
    Arguments result;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        constexpr std::string_view with_value = "--state-dir=";
        if (argument == "--json" && knows_json) {
            result.json = true;
        } else if (argument == "--state-dir" && i + 1 < arguments.size()) {
            result.place = arguments[++i];
        } else if (argument.starts_with(with_value)) {
            result.place = argument.substr(with_value.size());
        } else if (argument == "--help" || argument == "-h") {
            fmt::print("{}\n", usage);
            throw Stop{exit_ok, ""};
        } else {
            throw Stop{exit_usage, fmt::format("{}: not understood\n{}", argument, usage)};
        }
    }
    result.named = !result.place.empty();
    result.place =
        result.named ? fs::absolute(result.place).lexically_normal().string() : instance_base();
    return result;
}

std::string current_directory() {
    std::error_code error;
    return fs::current_path(error).string();
}

std::string describe(const Found& found) {
    if (!found.status) return fmt::format("{}: {}", found.remote.directory(), found.trouble);
    return fmt::format("pid {}, in {}: {}", found.status->supervisor_pid, found.status->cwd,
                       fmt::join(found.status->command, " "));
}

std::string choices(const std::vector<Found>& all) {
    std::string text = "several instances run; name one with --state-dir, or go to its directory:";
    for (const auto& found : all) {
        text +=
            fmt::format("\n  {}\n    --state-dir {}", describe(found), found.remote.directory());
    }
    return text;
}

std::vector<Found> all_live(const Arguments& arguments) {
    auto live = find_live(arguments.place);
    if (!live.empty()) return live;
    throw Stop{exit_unavailable,
               fmt::format("no supervisor is running{} {}",
                           arguments.named ? " at" : " for this user; looked in", arguments.place)};
}

// The one that is meant: the only one, or the only one of this directory.
Found the_one(const Arguments& arguments) {
    auto live = all_live(arguments);
    if (live.size() > 1) {
        const std::string here = current_directory();
        const auto is_here = [&](const Found& found) {
            return found.status && found.status->cwd == here;
        };
        const auto count = std::count_if(live.begin(), live.end(), is_here);
        if (count != 1) throw Stop{exit_usage, choices(live)};
        std::swap(live.front(), *std::find_if(live.begin(), live.end(), is_here));
    }
    return std::move(live.front());
}

control::StatusReport& status_of(Found& found) {
    if (!found.status) throw Stop{exit_unavailable, found.trouble};
    return *found.status;
}

control::Reply ask(Found& found, Request request) {
    auto reply = found.remote.ask(request);
    if (!reply) throw Stop{exit_unavailable, reply.error().what};
    if (!reply->ok) throw Stop{exit_unavailable, reply->error};
    return std::move(*reply);
}

// Each command is a function that throws Stop; this is where that ends.
template <class Command>
int run(Command command) {
    try {
        command();
        return exit_ok;
    } catch (const Stop& stop) {
        if (!stop.text.empty()) log::error("{}", stop.text);
        return stop.code;
    }
}

std::string worker_of(const control::StatusReport& status) {
    if (status.worker_pid == 0) return "no worker runs";
    return fmt::format("worker {}, generation {}", status.worker_pid, status.generation);
}

void print_tree(const Found& found) {
    const pid_t pid = found.remote.pid();
    std::vector<remote_text::Row> rows;
    int warden_depth = -1;  // what is below a warden is of its generation
    for (auto& process : read_tree(pid)) {
        if (warden_depth >= 0 && process.depth <= warden_depth) warden_depth = -1;
        if (process.warden) warden_depth = process.depth;
        const bool inside = warden_depth >= 0 && found.status;
        // The warden's arguments are for the supervisor and end with the worker's.
        if (process.warden) process.command = "warden";
        rows.push_back({std::move(process), inside ? found.status->generation : 0});
    }
    const std::string title =
        found.status ? fmt::format("{}: {}", found.status->cwd, remote_text::state(*found.status))
                     : fmt::format("{}: {}", found.remote.directory(), found.trouble);
    fmt::print("{}", remote_text::tree(title, rows));
}

}  // namespace

int status_command(const std::vector<std::string>& arguments) {
    return run([&] {
        const Arguments wanted = parse("status", arguments, true);
        Found found = the_one(wanted);
        if (wanted.json) return fmt::print("{}\n", ask(found, Request::status).body);
        fmt::print("{}", remote_text::status(status_of(found), ::time(nullptr)));
    });
}

int ps_command(const std::vector<std::string>& arguments) {
    return run([&] {
        for (const Found& found : all_live(parse("ps", arguments, false)))
            print_tree(found);
    });
}

int why_command(const std::vector<std::string>& arguments) {
    return run([&] {
        const Arguments wanted = parse("why", arguments, true);
        Found found = the_one(wanted);
        if (wanted.json) return fmt::print("{}\n", ask(found, Request::why).body);
        fmt::print("{}", remote_text::why(status_of(found), ::time(nullptr)));
    });
}

int restart_command(const std::vector<std::string>& arguments) {
    return run([&] {
        Found found = the_one(parse("restart", arguments, false));
        const std::string before = worker_of(status_of(found));
        ask(found, Request::restart);
        fmt::print("restarting ({})\n", before);
    });
}

// systemctl reload waits for it and has its exit code: what a bare SIGHUP leads to nobody would
// tell.
int reload_command(const std::vector<std::string>& arguments) {
    return run([&] {
        Found found = the_one(parse("reload", arguments, false));
        const auto before = status_of(found);
        const auto reply = found.remote.ask(Request::reload);
        if (!reply) throw Stop{exit_unavailable, reply.error().what};
        if (!reply->ok) throw Stop{exit_config, "not reloaded: " + reply->error};
        for (;;) {
            const auto now = ask(found, Request::status).status.value_or(before);
            switch (reload_verdict(before, now)) {
                case ReloadVerdict::ready:
                    return fmt::print("reloaded ({})\n", worker_of(now));
                case ReloadVerdict::refused:
                    throw Stop{exit_config,
                               fmt::format("not reloaded: {} ({})", *now.build, worker_of(now))};
                case ReloadVerdict::lost:
                    throw Stop{exit_unavailable,
                               fmt::format("the next worker is not ready: {}",
                                           now.last_end ? now.last_end->text : now.state)};
                case ReloadVerdict::open:
                    break;
            }
            (void)wait_readable(found.remote.socket(), Steady::now() + ask_again);
        }
    });
}

int pause_command(const std::vector<std::string>& arguments) {
    return run([&] {
        Found found = the_one(parse("pause", arguments, false));
        ask(found, Request::pause);
        fmt::print("paused: changes are noted, nothing restarts until supervisor resume ({})\n",
                   worker_of(status_of(found)));
    });
}

int resume_command(const std::vector<std::string>& arguments) {
    return run([&] {
        Found found = the_one(parse("resume", arguments, false));
        const auto& status = status_of(found);
        ask(found, Request::resume);
        if (!status.paused) return fmt::print("it was not paused\n");
        fmt::print("resumed{}\n",
                   status.held_changes > 0 ? "; restarting for what has changed" : "");
    });
}

int stop_command(const std::vector<std::string>& arguments) {
    return run([&] {
        Found found = the_one(parse("stop", arguments, false));
        const std::string worker = worker_of(status_of(found));
        ask(found, Request::stop);
        if (!found.remote.wait_gone(std::chrono::seconds(2))) {
            log::info("waiting for supervisor {} to end ({})", found.remote.pid(), worker);
            found.remote.wait_gone(std::nullopt);
        }
        fmt::print("stopped: supervisor {} is gone ({})\n", found.remote.pid(), worker);
    });
}

int clean_command(const std::vector<std::string>& arguments) {
    return run([&] {
        const Arguments wanted = parse("clean", arguments, false);
        const auto directories = instance_directories(wanted.place);
        const auto cleaned = clean_instances(directories, Wall::now());
        std::size_t removed = 0;
        for (const auto& one : cleaned) {
            fmt::print("{} {}: {}\n", one.removed ? "removed" : "kept", one.directory, one.reason);
            if (one.removed) ++removed;
        }
        fmt::print("{} of {} removed\n", removed, directories.size());
    });
}

}  // namespace oneloop
