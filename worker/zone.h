// Zone: the configured time zone. The only file that names Howard Hinnant's tz library (the
// standard library of g++ 12 has no zones).
//
// Not for arithmetic on dates (calendar.h). Immutable after creation; any thread.
#pragma once

#include <string>

#include "common/clock.h"
#include "common/result.h"
#include "worker/calendar.h"

namespace date {
class time_zone;
}

namespace oneloop::worker {

class Zone {
  public:
    // An IANA name. Errors: unknown, or no tz database on this machine.
    static Result<Zone> named(const std::string& name);

    [[nodiscard]] LocalTime local(WallTime time) const;
    // RFC 3339 with offset and seconds: "2025-11-25T20:48:45+09:00".
    [[nodiscard]] std::string rfc3339(WallTime time) const;

  private:
    explicit Zone(const date::time_zone* zone) : zone_(zone) {}
    const date::time_zone* zone_;  // lives as long as the program
};

}  // namespace oneloop::worker
