#include "supervisor/messages.h"

#include <fmt/format.h>

#include <cmath>

namespace oneloop::messages {
namespace {

std::string what_follows(const ReportEnd& report, int quick_limit) {
    if (const auto* respawn = std::get_if<RespawnAfter>(&report.verdict)) {
        if (!report.failure || respawn->delay == Duration{}) return "restarting";
        std::string text = "restarting in " + seconds(respawn->delay);
        if (report.quick_failures > 0 && quick_limit > 0) {
            text += fmt::format(" ({} of {} quick failures)",
                                std::min(report.quick_failures, quick_limit), quick_limit);
        }
        return text;
    }
    if (std::holds_alternative<WaitForChange>(report.verdict)) {
        if (!report.failure || report.quick_failures == 0) return "waiting for a change";
        return fmt::format("{} quick failures; waiting for a change", report.quick_failures);
    }
    return "ending";
}

}  // namespace

std::string seconds(Duration duration) {
    const double value = std::chrono::duration<double>(duration).count();
    if (value < 0.0995) return fmt::format("{:.0f}ms", value * 1000);
    if (value < 1) return fmt::format("{:.2f}s", value);
    if (value < 60) return fmt::format("{:.1f}s", value);
    const auto whole = static_cast<long>(std::lround(value));
    return fmt::format("{}min {}s", whole / 60, whole % 60);
}

std::string changes(const ChangeSummary& summary, std::string_view then) {
    if (summary.events_lost)
        return fmt::format("the event queue overflowed: anything may have changed; {}", then);
    if (summary.count <= 1) return fmt::format("changed: {}; {}", summary.first_path, then);
    return fmt::format("changed: {} (+{} more); {}", summary.first_path, summary.count - 1, then);
}

std::string why(const control::Cause& cause) {
    if (cause.kind == "request") return cause.text;
    if (cause.kind != "change") return {};
    return cause.events_lost ? cause.text : "changed: " + cause.text;
}

std::string unchanged(const SameSaves::Summary& summary) {
    const std::string more =
        summary.count > 1 ? fmt::format(" (+{} more)", summary.count - 1) : std::string();
    return fmt::format("unchanged: {}{} (saved, same content); no restart", summary.first_path,
                       more);
}

std::string events_lost(std::size_t files, std::size_t changed, bool complete) {
    return fmt::format("event queue overflowed; compared {}, {} changed{}",
                       plural(files, "file", "files"), changed,
                       complete ? "" : ", not all could be read");
}

std::string stopped(pid_t pid, Duration took, const std::string& by) {
    return fmt::format("worker {} stopped in {} ({})", pid, seconds(took), by);
}

std::string plural(std::size_t count, const char* one, const char* many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string started(const Start& start) {
    std::string text = start.why;
    if (!text.empty()) text += "; ";
    if (start.stopped_pid > 0) {
        text += stopped(start.stopped_pid, start.stop_took, start.stopped_by) + "; ";
    }
    text += fmt::format("worker {} started in {} (generation {})", start.pid,
                        seconds(start.start_took), start.generation);
    if (start.stopped_pid != 0) return text;
    if (!start.isolation.empty()) text += " in " + start.isolation;
    text += ": " + start.command;
    return text;
}

std::string ended(const ReportEnd& report, pid_t pid, int quick_limit) {
    const std::string then = what_follows(report, quick_limit);
    if (const auto* no_start = std::get_if<NotStarted>(&report.end)) {
        if (no_start->stage == NotStarted::Stage::lock_busy) {
            return fmt::format("{} is held by somebody else, no second worker is started; {}",
                               no_start->what, then);
        }
        return fmt::format("not started: {}; {}", no_start->what, then);
    }
    if (const auto* unresponsive = std::get_if<Unresponsive>(&report.end)) {
        return fmt::format("worker {} {} and was ended; {}", pid, unresponsive->what, then);
    }
    const auto& [status, why] = std::get<Exited>(report.end);
    if (status == ExitStatus{reload_exit_code, 0} && !report.failure) {
        return fmt::format("worker {} asked for a restart (exit 3); {}", pid, then);
    }
    if (status == ExitStatus{0, 0}) {
        return fmt::format("worker {} is done (exit 0) after {}; {}", pid, seconds(report.lived),
                           then);
    }
    if (status == ExitStatus{exit_config, 0}) {
        return fmt::format("worker {} has a configuration error (exit 78); {}", pid, then);
    }
    return fmt::format("worker {} crashed: {}{} after {}; {}", pid, describe(status),
                       why.empty() ? "" : " (" + why + ")", seconds(report.lived), then);
}

std::string quoted(const std::string& argument) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./,:=@%+-";
    if (!argument.empty() && argument.find_first_not_of(plain) == std::string::npos) {
        return argument;
    }
    std::string text = "'";
    for (const char c : argument)
        text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

std::string own_write(const OwnWrites::Held& held, const std::optional<std::string>& ignore) {
    std::string name = held.path;
    for (char& c : name) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    const std::string way_out =
        ignore ? "start with: --ignore " + quoted(*ignore) : "leave it out of --watch";
    return fmt::format(
        "{} changed {} after the start, as after those before: the worker seems to write it "
        "itself, "
        "so this restarts nothing. If so, {}   (was it you? save it again in 5s, or: supervisor "
        "restart)",
        name, seconds(held.lag), way_out);
}

std::string build_started(const std::string& step, const std::string& line) {
    return fmt::format("{}: {}", step, line);
}

std::string build_done(const std::string& step, Duration took) {
    return fmt::format("{} done in {}", step, seconds(took));
}

std::string build_failed(const std::string& step, const std::string& end, Duration took) {
    return fmt::format("{} failed: {} after {}; nothing is switched", step, end, seconds(took));
}

std::string build_goes_on(const std::string& step, Duration so_far) {
    return fmt::format("{} goes on, {} so far", step, seconds(so_far));
}

std::string build_write(const std::string& path, const std::optional<std::string>& ignore) {
    if (path.empty()) {
        return "the event queue overflowed during each of the last builds: the build seems to "
               "write "
               "too much that is watched, so during a build this starts nothing; leave it out with "
               "--ignore";
    }
    std::string name = path;
    for (char& c : name) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    return fmt::format(
        "{} changed during each of the last builds: the build seems to write it itself, so during "
        "a "
        "build this starts nothing. If so, {}   (was it you? save it again)",
        name, ignore ? "start with: --ignore " + quoted(*ignore) : "leave it out of --watch");
}

std::string failed(pid_t pid, const Unresponsive& end) {
    return fmt::format("worker {} {}; {}", pid, end.what,
                       end.hangs ? "aborting it for a core (SIGABRT)" : "stopping it");
}

std::string ready(pid_t pid, Duration took) {
    return fmt::format("worker {} ready in {}", pid, seconds(took));
}

std::string stop_timeout(Stopping::Step step, pid_t pid, Duration waited, int signal) {
    switch (step) {
        case Stopping::Step::killing:
            return fmt::format(
                "worker {} did not stop on {} within {}; killing it and all it started", pid,
                signal_name(signal), seconds(waited));
        case Stopping::Step::forced:
            return fmt::format(
                "worker {} is still there after KILL (stuck in the kernel?); no second one is "
                "started "
                "until it is gone",
                pid);
        case Stopping::Step::asked:
            break;
    }
    return "";
}

}  // namespace oneloop::messages
