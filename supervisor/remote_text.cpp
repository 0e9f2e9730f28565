#include "supervisor/remote_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace oneloop::remote_text {
namespace {

std::string when(std::int64_t at, std::int64_t now) {
    const std::time_t time = at;
    return fmt::format("{:%Y-%m-%d %H:%M:%S} ({} ago)", fmt::localtime(time), age(now - at));
}

void line(std::string& text, std::string_view name, std::string_view value) {
    text += fmt::format("{:<13}{}\n", name, value);
}

std::string cause(const control::Cause& cause) {
    return cause.kind == "change" && !cause.events_lost ? "changed: " + cause.text : cause.text;
}

std::string worker(const control::StatusReport& report, std::int64_t now) {
    if (report.worker_pid == 0) return "none";
    return fmt::format("pid {}, generation {}, since {}", report.worker_pid, report.generation,
                       when(report.worker_since, now));
}

std::string milliseconds(std::int64_t ms) {
    return fmt::format(fmt::runtime(ms < 1000 ? "{:.2f}s" : "{:.1f}s"),
                       static_cast<double>(ms) / 1000);
}

std::string readiness(const control::StatusReport& report) {
    if (!report.ready) {
        return report.ready_held ? "not yet; time stands still: " + *report.ready_held : "not yet";
    }
    return "after " + milliseconds(report.ready_after_ms.value_or(0));
}

std::string watchdog(const control::WatchdogReport& watchdog) {
    std::string text =
        fmt::format("every {}, last sign of life {} ago", milliseconds(watchdog.interval_ms),
                    milliseconds(watchdog.last_ms_ago));
    if (watchdog.held) text += "; time stands still: " + *watchdog.held;
    return text;
}

}  // namespace

std::string age(std::int64_t seconds) {
    const std::int64_t s = std::max<std::int64_t>(seconds, 0);
    if (s < 60) return fmt::format("{}s", s);
    if (s < 3600) return fmt::format("{}min {}s", s / 60, s % 60);
    if (s < 86400) return fmt::format("{}h {}min", s / 3600, s / 60 % 60);
    return fmt::format("{}d {}h", s / 86400, s / 3600 % 24);
}

std::string memory(std::uint64_t bytes) {
    const double kib = static_cast<double>(bytes) / 1024;
    if (kib < 1000) return fmt::format("{:.0f} KiB", kib);
    if (kib < 1000 * 1024) return fmt::format("{:.1f} MiB", kib / 1024);
    return fmt::format("{:.1f} GiB", kib / 1024 / 1024);
}

std::string state(const control::StatusReport& report) {
    std::string text = report.state;
    if (report.state == "stuck") {
        text += ": a process does not go after KILL; no second worker is started";
    }
    if (report.next_try_in_ms) {
        text += fmt::format(", next try in {:.1f}s",
                            static_cast<double>(*report.next_try_in_ms) / 1000);
    }
    if (report.paused) {
        text += fmt::format(", paused ({} {} noted)", report.held_changes,
                            report.held_changes == 1 ? "change" : "changes");
    }
    return text;
}

std::string status(const control::StatusReport& report, std::int64_t now) {
    std::string text;
    line(text, "state", state(report));
    line(text, "worker", worker(report, now));
    if (report.worker_pid > 0 && report.state == "running") {
        // Ready at once is what everybody expects.
        if (!report.ready || report.ready_after_ms.value_or(0) > 0) {
            line(text, "ready", readiness(report));
        }
        if (report.watchdog) line(text, "watchdog", watchdog(*report.watchdog));
    }
    if (report.status_text) line(text, "says", *report.status_text);
    if (report.build) line(text, "build", *report.build);
    line(text, "command", fmt::format("{}", fmt::join(report.command, " ")));
    line(text, "directory", report.cwd);
    line(text, "supervisor",
         fmt::format("pid {}, since {}, version {}", report.supervisor_pid,
                     when(report.supervisor_since, now), report.version));
    line(text, "restarts", std::to_string(report.restarts));
    if (report.last_restart) {
        line(
            text, "last restart",
            fmt::format("{}, {}", cause(*report.last_restart), when(report.last_restart->at, now)));
    }
    if (report.last_end) line(text, "last end", report.last_end->text);
    if (report.watching) {
        line(text, "watching",
             fmt::format("files: {}, directories: {}, ignored: {}", report.watching->files,
                         report.watching->directories, report.watching->ignored));
    } else {
        line(text, "watching", "nothing");
    }
    for (const auto& path : report.held_own_writes) {
        line(text, "held back", path + ": the worker seems to write it itself; see --ignore");
    }
    for (const auto& socket : report.sockets) {
        line(text, "socket", fmt::format("{} {} -> fd {}", socket.name, socket.address, socket.fd));
    }
    line(text, "isolation", report.isolation);
    for (const auto& sentence : report.weaker)
        line(text, "weaker", sentence);
    line(text, "instance", report.instance);
    line(text, "lock", report.lock);
    return text;
}

std::string one_line(const control::StatusReport& report) {
    std::string text = fmt::format("generation {}: ", report.generation);
    text += report.worker_pid > 0 ? fmt::format("worker {} {}", report.worker_pid, report.state)
                                  : "no worker, " + report.state;
    if (report.state == "running" && !report.ready) text += ", not ready yet";
    if (report.build && *report.build != "done") text += ", " + *report.build;
    if (report.status_text) text += ": " + *report.status_text;
    if (report.worker_pid == 0 && report.last_end) text += ": " + report.last_end->text;
    return text;
}

std::string why(const control::StatusReport& report, std::int64_t now) {
    std::string text;
    if (report.last_restart) {
        text = fmt::format("{}\n{}\n", cause(*report.last_restart),
                           when(report.last_restart->at, now));
    } else {
        text = "no restart yet\n";
    }
    if (report.last_end) text += "before that: " + report.last_end->text + "\n";
    for (const auto& path : report.held_own_writes) {
        text += "held back: " + path + " changed, the worker seems to write it itself\n";
    }
    if (report.worker_pid > 0) {
        text += fmt::format("now: worker {}, generation {}, {}\n", report.worker_pid,
                            report.generation, state(report));
    } else {
        text += "now: " + state(report) + "\n";
    }
    return text;
}

std::string tree(const std::string& title, const std::vector<Row>& rows) {
    std::string text = title + "\n";
    text += fmt::format("  {:>8} {:>5} {:>10} {:>10} {:>10}  {}\n", "PID", "GEN", "AGE", "RSS",
                        "PSS", "COMMAND");
    for (const auto& row : rows) {
        const TreeProcess& process = row.process;
        const int depth = process.depth;
        const std::string branch =
            depth == 0 ? "" : std::string(static_cast<std::size_t>(3 * (depth - 1)), ' ') + "\\_ ";
        text += fmt::format("  {:>8} {:>5} {:>10} {:>10} {:>10}  {}{}\n", process.pid,
                            row.generation ? std::to_string(row.generation) : "-",
                            age(static_cast<std::int64_t>(process.age)), memory(process.rss),
                            process.pss ? memory(*process.pss) : "-", branch, process.command);
    }
    return text;
}

}  // namespace oneloop::remote_text
