#include "worker/zone.h"

#include <date/tz.h>

namespace oneloop::worker {

Result<Zone> Zone::named(const std::string& name) {
    try {
        return Zone(date::locate_zone(name));
    } catch (const std::exception&) {
        return fail("unknown time zone '" + name + "'");
    }
}

LocalTime Zone::local(WallTime time) const {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    return LocalTime(zone_->to_local(seconds).time_since_epoch());
}

std::string Zone::rfc3339(WallTime time) const {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    return date::format("%FT%T%Ez", date::make_zoned(zone_, seconds));
}

}  // namespace oneloop::worker
