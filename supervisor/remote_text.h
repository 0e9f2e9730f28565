// remote_text: what supervisor status, why and ps print. Pure: values in, text out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "supervisor/control_protocol.h"
#include "supervisor/process_tree.h"

namespace oneloop::remote_text {

// Times in the reader's time zone. `now`: seconds since the epoch.
std::string status(const control::StatusReport& report, std::int64_t now);
// For one line of somebody else's: "generation 3: worker 4711 running: serving 12 clients"
std::string one_line(const control::StatusReport& report);
std::string why(const control::StatusReport& report, std::int64_t now);

struct Row {
    TreeProcess process;
    std::uint64_t generation = 0;  // 0: belongs to none
};
// The processes of one instance below a line that names it.
std::string tree(const std::string& title, const std::vector<Row>& rows);

// "12s", "2min 5s", "3h 4min", "2d 3h"
std::string age(std::int64_t seconds);
// "812 KiB", "6.1 MiB"
std::string memory(std::uint64_t bytes);
// "running, paused (2 changes noted)"
std::string state(const control::StatusReport& report);

}  // namespace oneloop::remote_text
