// selftest: `supervisor selftest`: the promises put to the test on the user's own machine, with
// this very program.
//
// Runs beside everything else: its instances, locks and processes are its own, and end with it.
// Not for whether the machine has what is needed (doctor). One thread; waits.
#pragma once

#include <string>
#include <vector>

namespace oneloop {

// Arguments after the name. 0: every promise was kept. 1: one was broken. 64: usage. 69: it can't
// run here. 70: a control was not caught, so it proves nothing. Dies by the signal that ended it.
int run_selftest(const std::vector<std::string>& arguments);

}  // namespace oneloop
