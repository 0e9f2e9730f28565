#include "supervisor/reload_verdict.h"

namespace oneloop {
namespace {

// docs/control.md, `build`: running, "done", or how it failed.
bool build_failed(const control::StatusReport& report) {
    return report.build && *report.build != "done" && !report.build->ends_with(" running");
}

}  // namespace

ReloadVerdict reload_verdict(const control::StatusReport& before,
                             const control::StatusReport& now) {
    const auto started = now.generation - before.generation;
    if (started > 0 && now.ready && now.worker_pid > 0) return ReloadVerdict::ready;
    // A second one was started because the first one ended.
    if (started > 1 || now.state == "stuck") return ReloadVerdict::lost;
    if (started == 0 && build_failed(now)) return ReloadVerdict::refused;
    // One that is stopped for the next is followed by it at once.
    if (now.state == "waiting" && now.last_end != before.last_end) return ReloadVerdict::lost;
    return ReloadVerdict::open;
}

}  // namespace oneloop
