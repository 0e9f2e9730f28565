#include "supervisor/announcer.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "common/log.h"
#include "supervisor/events_file.h"
#include "supervisor/instance.h"
#include "supervisor/log_events.h"
#include "supervisor/path_rules.h"
#include "supervisor/wiring.h"

namespace oneloop {
namespace {

// A restart that takes longer than this is announced before it is done.
constexpr std::chrono::milliseconds patience{300};

void to_terminal(const char* sequence) {
    std::fputs(sequence, stderr);
    std::fflush(stderr);
}

void name_holders(const std::string& lock) {
    for (const pid_t pid : who_has_open(lock)) {
        log::warn("pid {} keeps the lock; end it with: kill {}", pid, pid);
    }
}

}  // namespace

Announcer::Announcer(boost::asio::io_context& io, const Options& options, ChildSetup helper,
                     std::function<void()> finished)
    : options_(options),
      terminal_(::isatty(STDERR_FILENO) == 1),
      finished_(std::move(finished)),
      notifies_(options.notify),
      soon_(io) {
    if (options_.hooks.empty() && !notifies_) return;
    hooks_ = std::make_unique<Hooks>(io, std::move(helper), [this] { finished_(); });
}

void Announcer::advised(const Advice& advice, const std::string& failure) {
    const auto ignore = [this](const std::string& path) {
        return ignore_pattern(path, options_.watch_paths);
    };
    if (const auto& held = advice.held_own_write; held && held->first) {
        log::write(log_events::own_write(*held, ignore(held->path)));
    }
    if (const auto& held = advice.held_build_write; held && held->first) {
        log::write(log_events::build_write(*held, ignore(held->path)));
    }
    if (advice.build_verdict == BuildVerdict::failed) {
        failed(failure);
        run_hooks("build-failed", last_worker_, failure);
    }
    if (advice.unchanged) log::write(log_events::unchanged(*advice.unchanged));
    if (!advice.changes) return;
    // Home, then all below: what scrolled away stays readable.
    if (options_.clear && terminal_) to_terminal("\x1b[H\x1b[2J");
    const bool builds = build_options(options_).enabled;
    auto changed = log_events::changed(*advice.changes, builds ? "building" : "restarting");
    if (builds) return log::write(changed);
    say_soon(std::move(changed));
}

void Announcer::restart_asked(const std::string& who) {
    say_soon({log::Level::info, "message", "restarting, asked for by " + who});
}

// Programs are told at once: each line of theirs is one fact.
void Announcer::say_soon(log::Event event) {
    if (options_.log_format == log::Format::json) return log::write(event);
    soon_.expires_after(patience);
    soon_.async_wait([event = std::move(event)](const boost::system::error_code& error) {
        if (!error) log::write(event);
    });
}

void Announcer::worker_started(pid_t pid, const std::string& text) {
    soon_.cancel();
    last_worker_ = pid;
    if (std::exchange(bad_, false)) notify(text);
    run_hooks(std::exchange(started_, true) ? "restart" : "start", pid, text);
}

void Announcer::worker_ended(const ReportEnd& report, const std::string& text) {
    const auto* failure = std::get_if<NotStarted>(&report.end);
    if (failure && failure->stage == NotStarted::Stage::lock_busy) name_holders(failure->what);
    if (!report.failure) return;
    failed(text);
    run_hooks("crash", last_worker_, text);
}

void Announcer::spawning(const std::optional<control::Cause>& cause) const {
    if (options_.events_file.empty()) return;
    const auto written = write_events_file(options_.events_file, events_text(cause));
    if (!written) log::warn("--events-file: {}", written.error().what);
}

void Announcer::finish() {
    if (!hooks_) return finished_();
    Hooks::Call last;
    for (const auto& hook : options_.hooks) {
        // One: the end is not the time to wait for several.
        if (hook.event == "stop") last = call(hook, last_worker_, "the supervisor ends");
    }
    hooks_->end(std::move(last));
}

void Announcer::failed(const std::string& text) {
    bad_ = true;
    if (options_.bell && terminal_) to_terminal("\a");
    notify(text);
}

void Announcer::notify(const std::string& text) {
    if (!notifies_ || !hooks_) return;
    const std::string title = "supervisor: " + options_.command.front();
    hooks_->run({"notify-send",
                 {"notify-send", "--app-name=supervisor", title, text},
                 [this](const HelperEnd& end) {
                     // What can't be told today can't be told in a minute: said once.
                     if (!std::exchange(notifies_, false)) return;
                     log::warn("no notifications: notify-send {}", end.text());
                 }});
}

void Announcer::run_hooks(const std::string& event, pid_t pid, const std::string& text) {
    for (const auto& hook : options_.hooks) {
        if (hook.event == event) hooks_->run(call(hook, pid, text));
    }
}

Hooks::Call Announcer::call(const HookSpec& hook, pid_t pid, const std::string& text) const {
    auto command = shell_command(hook.line);
    command.insert(command.end(), {"hook", hook.event, std::to_string(pid), text});
    return {"hook " + hook.event, std::move(command), nullptr};
}

}  // namespace oneloop
