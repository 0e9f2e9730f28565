// selftest_probe: what the selftest lets run: a worker that shows when it ran, and two supervisors
// that do it wrong. Hidden modes of the supervisor's own program, so that nothing but that has to
// be installed.
//
//   supervisor --selftest-probe LOG        the worker. Writes its life into LOG (interval_log)
//                                          and starts a descendant that is hard to find:
//                                          double-forked, its own session, deaf to every signal
//   supervisor --selftest-control MODE LOCK LOG
//     supervisor-lock   the lock is the supervisor's and the worker is asked to end when its
//                       parent dies (PR_SET_PDEATHSIG): the lock is free before the worker has
//                       ended
//     group-kill        a guardian kills the worker's process group: who has made a session of his
//                       own survives
//
// Not for users, and not in --help. All of them end when the selftest does, however that ends.
#pragma once

#include <string>
#include <vector>

namespace oneloop {

inline constexpr const char* selftest_probe_mode = "--selftest-probe";
inline constexpr const char* selftest_escapee_mode = "--selftest-escapee";
inline constexpr const char* selftest_control_mode = "--selftest-control";

int selftest_probe(const std::vector<std::string>& arguments);
int selftest_escapee(const std::vector<std::string>& arguments);
int selftest_control(const std::vector<std::string>& arguments);

}  // namespace oneloop
