// machine: what of oneloop's promises holds on this machine, by which mechanism, and what is weaker
// and why. For the doctor.
//
// Each line is tried out, not looked up. Leaves nothing behind but directories' access times. Not
// for deciding how to run (isolation). Forks: call it before there is a second thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/options.h"

namespace oneloop {

enum class Standing {
    holds,
    weaker,   // runs, with less than promised
    missing,  // does not run
};

struct MachineLine {
    std::string invariant;  // "I1"; "" for what all of them rest on
    Standing standing = Standing::holds;
    std::string what;     // "one lock, one holder"
    std::string detail;   // by which mechanism, or the consequence in plain words
    std::string way_out;  // an exact command, or empty
};

// In the order of the invariants.
std::vector<MachineLine> examine_machine(const Options& options);

// Its parts, each in a file of its own.
void examine_kernel(std::vector<MachineLine>& lines);                           // machine.cpp
void examine_tree(const Options& options, std::vector<MachineLine>& lines);     // machine.cpp
void examine_state(const Options& options, std::vector<MachineLine>& lines);    // machine_state.cpp
void examine_watches(const Options& options, std::vector<MachineLine>& lines);  // machine_watch.cpp

Standing worst(const std::vector<MachineLine>& lines);

// Pure: "5.10", "6.1.0-18-amd64" → is it 5.10 or newer?
bool is_new_enough(std::string_view release);
// Pure: the options of the /proc mount in /proc/self/mounts hide other users' processes.
bool hides_processes(const std::string& mounts);

}  // namespace oneloop
