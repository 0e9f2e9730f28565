#include "supervisor/doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "common/exec_pointers.h"
#include "common/exit_status.h"
#include "supervisor/doctor_report.h"
#include "supervisor/options.h"
#include "supervisor/process_table.h"

namespace oneloop {
namespace {

constexpr int exit_weaker = 1;
constexpr std::chrono::milliseconds end_patience{2000};

constexpr std::string_view help =
    R"(Usage: supervisor doctor [OPTIONS] [-- COMMAND [ARG...]]

Says what of oneloop's promises holds on this machine, by which mechanism, and what is weaker and
why. With a COMMAND or an address also which processes of yours run the same program with the same
arguments in this directory, or listen on the address, without a supervisor: what an editor or a
closed terminal has left behind.

  --end PID...|all   end these of the listed processes: SIGTERM, after 2s SIGKILL
  --json             one JSON object instead of text
  --socket ADDR, --flask, --preset, --state-dir, --isolate, --watch
                     as the supervisor itself takes them; put "doctor" in front of a line that works

Exit code: 0 everything holds and nothing is left over; 1 something is weaker, or a process is left
over or was not ended; 64 usage; 69 oneloop can't run here.
)";

struct Request {
    bool help = false;
    bool json = false;
    bool end = false;
    bool end_all = false;
    std::vector<int> end_pids;
    std::vector<std::string> others;  // for parse_options, "--" and the command included
};

std::optional<int> parse_pid(const std::string& text) {
    if (text.empty() || text.size() > 9) return std::nullopt;  // pid_max is 2^22
    if (text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    const int pid = std::atoi(text.c_str());
    return pid > 0 ? std::optional(pid) : std::nullopt;
}

Result<Request> parse_request(const std::vector<std::string>& arguments) {
    Request request;
    std::size_t at = 0;
    for (; at < arguments.size() && arguments[at] != "--"; ++at) {
        const std::string& argument = arguments[at];
        if (argument == "--help" || argument == "-h") {
            request.help = true;
        } else if (argument == "--json") {
            request.json = true;
        } else if (argument == "--end") {
            request.end = true;
            bool any = false;
            for (; at + 1 < arguments.size() && !arguments[at + 1].starts_with('-'); ++at) {
                any = true;
                const std::string& who = arguments[at + 1];
                const auto pid = parse_pid(who);
                if (!pid && who != "all") return fail("--end " + who + ": neither a pid nor all");
                if (pid) request.end_pids.push_back(*pid);
                if (who == "all") request.end_all = true;
            }
            if (!any) return fail("--end: which ones? PID... or all");
        } else {
            request.others.push_back(argument);
        }
    }
    request.others.insert(request.others.end(), arguments.begin() + static_cast<std::ptrdiff_t>(at),
                          arguments.end());
    return request;
}

tl::expected<Options, Refusal> parse_others(std::vector<std::string> others) {
    others.insert(others.begin(), "supervisor");
    auto argv = exec_pointers(others);
    return parse_options(static_cast<int>(others.size()), argv.data());
}

// Of an address that somebody has who is no leftover of this user.
std::string note_on(const Listener& listener, const std::vector<ProcessRecord>& processes,
                    const Wanted& wanted) {
    for (const auto& process : processes) {
        if (std::find(process.holds.begin(), process.holds.end(), listener.address) ==
            process.holds.end()) {
            continue;
        }
        if (is_owned(process, processes)) {
            return fmt::format("{} is held by pid {}, a supervisor or what it keeps",
                               listener.address, process.pid);
        }
        if (process.uid != wanted.uid) {
            return fmt::format("{} is held by pid {} of another user (uid {}): {}",
                               listener.address, process.pid, process.uid,
                               shell_words(process.arguments));
        }
        return fmt::format("{} is held by pid {}, from which this command was started",
                           listener.address, process.pid);
    }
    return fmt::format("{} is held by a process of uid {} that can't be seen from here",
                       listener.address, listener.uid);
}

struct Look {
    std::vector<Finding> findings;
    std::vector<std::string> notes;
};

Look look(const Options& options, const Wanted& wanted) {
    const Listeners listeners = find_listeners(options.sockets);
    const auto processes = read_processes(listeners);
    Look result{find_leftovers(processes, wanted), {}};
    for (const auto& entry : listeners) {
        const Listener& listener = entry.second;  // clang 14 captures no structured binding
        const bool listed = std::any_of(
            result.findings.begin(), result.findings.end(), [&](const Finding& finding) {
                const auto& holds = finding.process.holds;
                return std::find(holds.begin(), holds.end(), listener.address) != holds.end();
            });
        if (listed) continue;
        std::string note = note_on(listener, processes, wanted);
        if (std::find(result.notes.begin(), result.notes.end(), note) == result.notes.end()) {
            result.notes.push_back(std::move(note));
        }
    }
    return result;
}

std::string subject_of(const Options& options) {
    std::vector<std::string> parts;
    if (options.command_given) parts.push_back(shell_words(options.command));
    for (const auto& socket : options.sockets)
        parts.push_back(socket.address());
    return fmt::format("{}", fmt::join(parts, ", "));
}

// The line that was typed, with the listed pids in it.
std::string end_command(const Request& request, const std::vector<Finding>& findings) {
    std::vector<std::string> words = {"supervisor", "doctor", "--end"};
    for (const auto& finding : findings)
        words.push_back(std::to_string(finding.process.pid));
    words.insert(words.end(), request.others.begin(), request.others.end());
    return shell_words(words);
}

void end_leftovers(const Request& request, const std::vector<Finding>& findings,
                   DoctorReport& report) {
    std::vector<ProcessRecord> chosen;
    std::vector<EndResult> refused;
    for (const auto& finding : findings) {
        const auto& named = request.end_pids;
        if (request.end_all ||
            std::find(named.begin(), named.end(), finding.process.pid) != named.end()) {
            chosen.push_back(finding.process);
        }
    }
    for (const int pid : request.end_pids) {
        const bool listed = std::any_of(findings.begin(), findings.end(), [&](const auto& finding) {
            return finding.process.pid == pid;
        });
        if (!listed) {
            refused.push_back({pid, EndResult::Outcome::refused,
                               "it is not among the processes that no supervisor keeps"});
        }
    }
    report.tried_to_end = true;
    report.ends = end_processes(chosen, end_patience);
    report.ends.insert(report.ends.end(), refused.begin(), refused.end());
}

bool all_ended(const DoctorReport& report) {
    return std::none_of(report.ends.begin(), report.ends.end(), [](const EndResult& result) {
        return result.outcome == EndResult::Outcome::refused ||
               result.outcome == EndResult::Outcome::stuck;
    });
}

void examine_leftovers(const Request& request, const Options& options, DoctorReport& report) {
    Wanted wanted =
        resolve_wanted(options.command_given ? options.command : std::vector<std::string>{});
    report.looked = true;
    report.subject = subject_of(options);
    Look first = look(options, wanted);
    report.notes = std::move(first.notes);
    if (options.command_given && !wanted.program.same(wanted.program)) {
        report.notes.push_back(options.command[0] + ": there is no such program in PATH");
    }
    report.end_command = end_command(request, first.findings);
    if (request.end) {
        end_leftovers(request, first.findings, report);
        for (const auto& finding : look(options, wanted).findings)
            report.remaining.push_back(finding.process.pid);
    } else {
        for (const auto& finding : first.findings)
            report.remaining.push_back(finding.process.pid);
    }
    for (auto& finding : first.findings) {
        const double age = age_seconds(finding.process);
        report.leftovers.push_back({std::move(finding), age});
    }
}

int exit_code_of(const DoctorReport& report) {
    const Standing standing = worst(report.machine);
    if (standing == Standing::missing) return exit_unavailable;
    const bool clean = report.remaining.empty() && all_ended(report);
    return standing == Standing::weaker || !clean ? exit_weaker : exit_ok;
}

// As the C library decides it, without making its locale ours.
bool shows_utf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(name);
        if (!value || !*value) continue;
        const std::string_view locale = value;
        return locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
    }
    return false;
}

int refuse(int code, const std::string& text) {
    fmt::print(stderr, "supervisor: {}\n", text);
    return code;
}

}  // namespace

int run_doctor(const std::vector<std::string>& arguments) {
    const auto request = parse_request(arguments);
    if (!request) return refuse(exit_usage, request.error().what);
    if (request->help) {
        fmt::print("{}", help);
        return exit_ok;
    }
    const auto options = parse_others(request->others);
    DoctorReport report;
    if (options) {
        report.machine = examine_machine(*options);
    } else if (::access("/proc/self/exe", F_OK) != 0) {
        report.machine = {{"", Standing::missing, "/proc",
                           "not there: no process, and not even the warden, can be found",
                           "mount -t proc proc /proc"}};
    } else if (options.error().code == exit_internal) {
        // The line is right, but what the supervisor starts is not there.
        report.machine = {
            {"I2", Standing::missing, "warden", options.error().text, "install oneloop again"}};
    } else {
        return refuse(options.error().code, options.error().text);
    }
    const bool subject = options && (options->command_given || !options->sockets.empty());
    if (request->end && !subject) {
        return refuse(exit_usage, "--end: of what? Add -- COMMAND or --socket ADDR");
    }
    if (subject) examine_leftovers(*request, *options, report);
    report.exit_code = exit_code_of(report);
    fmt::print("{}", request->json ? to_json(report)
                                   : to_text(report, ::isatty(STDOUT_FILENO) && shows_utf8()));
    return report.exit_code;
}

}  // namespace oneloop
