// doctor_report: what the doctor found, as text for people or as one JSON object. Values in, text
// out; nothing is decided here.
#pragma once

#include <string>
#include <vector>

#include "supervisor/end_processes.h"
#include "supervisor/leftovers.h"
#include "supervisor/machine.h"

namespace oneloop {

struct DoctorReport {
    struct Leftover {
        Finding finding;
        double age = 0;  // seconds
    };
    std::vector<MachineLine> machine;
    bool looked = false;  // a command or an address was given
    std::string subject;  // what was looked for: "python3 app.py, 127.0.0.1:5000"
    std::vector<Leftover> leftovers;
    std::vector<std::string> notes;  // sentences
    std::string end_command;         // ends them all; to be copied
    bool tried_to_end = false;
    std::vector<EndResult> ends;
    std::vector<int> remaining;  // pids of leftovers that are there after the ending
    int exit_code = 0;
};

// `symbols`: ✓ ! ✗, for a terminal that shows UTF-8; else ok, weaker, missing.
std::string to_text(const DoctorReport& report, bool symbols);

// One object with a newline at its end. What is no UTF-8 is replaced.
std::string to_json(const DoctorReport& report);

// For a shell: "a b" → 'a b'. Control characters become question marks.
std::string shell_words(const std::vector<std::string>& arguments);

}  // namespace oneloop
