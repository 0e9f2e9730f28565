// selftest_report: what the selftest did and found, as text for people or as one JSON object.
// Values in, text out; nothing is decided here but the words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "supervisor/machine.h"
#include "supervisor/selftest_run.h"

namespace oneloop::selftest {

struct Report {
    std::vector<MachineLine> layers;  // what of the machine the promises rest on
    std::string isolation;            // "a PID namespace"
    std::string fallback;             // why it is not what was asked for
    std::string directory;            // where the locks were
    std::uint64_t seed = 0;
    long kills_wanted = 0;
    std::vector<Control> controls;
    RunResult run;
    double seconds = 0;
    std::string kept;     // the directory, when it was left there
    std::string repeat;   // the command line that does it again
    int interrupted = 0;  // the signal
    int exit_code = 0;
};

// "kills 120/200  workers 88  overlaps 0  leftovers 0"
std::string progress_line(const Counts& counts, long kills_wanted);
std::string controls_text(const std::vector<Control>& controls);
// The verdict and what it rests on; without the controls.
std::string to_text(const Report& report);
// One object with a newline at its end. What is no UTF-8 is replaced.
std::string to_json(const Report& report);

}  // namespace oneloop::selftest
