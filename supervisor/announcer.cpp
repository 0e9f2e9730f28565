#include "supervisor/announcer.h"

#include "common/log.h"
#include "supervisor/instance.h"
#include "supervisor/log_events.h"
#include "supervisor/path_rules.h"
#include "supervisor/wiring.h"

namespace oneloop {

void Announcer::advised(const Advice& advice) const {
    const auto ignore = [this](const std::string& path) {
        return ignore_pattern(path, options_.watch_paths);
    };
    if (const auto& held = advice.held_own_write; held && held->first) {
        log::write(log_events::own_write(*held, ignore(held->path)));
    }
    if (const auto& held = advice.held_build_write; held && held->first) {
        log::write(log_events::build_write(*held, ignore(held->path)));
    }
    if (advice.unchanged) log::write(log_events::unchanged(*advice.unchanged));
    if (advice.changes) {
        const bool builds = build_options(options_).enabled;
        log::write(log_events::changed(*advice.changes, builds ? "building" : "restarting"));
    }
}

void Announcer::lock_is_held(const std::string& path) {
    for (const pid_t pid : who_has_open(path)) {
        log::warn("pid {} keeps the lock; end it with: kill {}", pid, pid);
    }
}

}  // namespace oneloop
