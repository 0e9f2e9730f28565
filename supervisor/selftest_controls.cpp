#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <sstream>

#include "common/read_text.h"
#include "supervisor/interval_log.h"
#include "supervisor/selftest_probe.h"
#include "supervisor/selftest_run.h"

namespace oneloop::selftest {
namespace {

constexpr int most_rounds = 200;
constexpr milliseconds start_limit{20'000};
constexpr milliseconds leftover_limit{500};
constexpr std::int64_t beyond_doubt = 1000;  // ns

std::int64_t longest(const IntervalLog& log) {
    std::int64_t result = -1;
    for (const auto& one : log.overlaps())
        result = std::max(result, one.nanoseconds);
    return result;
}

// proc(5), /proc/locks: "7: -> FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF" waits behind number 7.
bool waits_for_a_lock(pid_t pid) {
    std::istringstream lines(read_text("/proc/locks"));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string number, arrow, kind, advisory, mode;
        pid_t who = 0;
        if (words >> number >> arrow >> kind >> advisory >> mode >> who && arrow == "->" &&
            who == pid) {
            return true;
        }
    }
    return false;
}

}  // namespace

Control control_lock(Stage& stage) {
    Control result{"lock held by the supervisor", false, "no two workers at once"};
    const std::string path = stage.file("control-lock");
    const IntervalLog log(path);
    if (!stage.guard(path)) return result;
    const std::vector<std::string> command = {selftest_control_mode, "supervisor-lock",
                                              stage.file("control.lock"), path};
    auto holder = stage.start(command);
    if (!holder || !wait_for([&] { return log.entries() >= 1; }, start_limit)) return result;
    for (int round = 1; round <= most_rounds; ++round) {
        const auto before = log.entries();
        const auto next = stage.start(command);  // waits for the lock
        if (!next) break;
        // Where /proc/locks is hidden, it had the time to come as far.
        (void)wait_for([&] { return waits_for_a_lock(*next); }, milliseconds(500));
        ::kill(*holder, SIGKILL);
        const bool came = wait_for([&] { return log.entries() > before; }, start_limit);
        if (longest(log) > beyond_doubt) {
            result.caught = true;
            result.text =
                fmt::format("two workers at once in round {} of {} at most", round, most_rounds);
            break;
        }
        if (!came) break;
        (void)stage.ended(*holder);
        holder = next;
    }
    stage.sweep();
    // Now that nobody writes any more.
    if (result.caught) {
        result.text += fmt::format(", for {:.3f}ms", static_cast<double>(longest(log)) / 1e6);
    }
    return result;
}

Control control_group(Stage& stage) {
    Control result{"kill of the process group only", false, "nothing was left"};
    const std::string path = stage.file("control-group");
    const IntervalLog log(path);
    if (!stage.guard(path)) return result;
    const auto escapees = [&] {
        const auto living = stage.living();
        return std::count_if(living.begin(), living.end(), [](const Marked& one) {
            return one.command.find(selftest_escapee_mode) != std::string::npos;
        });
    };
    const auto naive = stage.start({selftest_control_mode, "group-kill", "-", path});
    if (naive && wait_for([&] { return escapees() > 0; }, start_limit)) {
        ::kill(*naive, SIGKILL);
        const bool clean = wait_for([&] { return stage.living().empty(); }, leftover_limit);
        const auto left = escapees();
        if (!clean && left > 0) {
            result.caught = true;
            result.text = fmt::format("{} process{} left {}ms after the end", left,
                                      left == 1 ? "" : "es", leftover_limit.count());
        }
    } else {
        result.text = "its worker did not start";
    }
    stage.sweep();
    return result;
}

}  // namespace oneloop::selftest
