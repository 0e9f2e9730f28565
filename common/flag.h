// The environment variables that make a process "the worker", and the check that they are true.
//
// docs/protocol.md is the contract. The flag alone proves nothing (people copy it into shells and
// service files): a worker polls only with the flag and a lock that is real.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "common/lock_file.h"
#include "common/result.h"

namespace oneloop::flag {

inline constexpr const char* run_main = "ONELOOP_RUN_MAIN";
inline constexpr const char* lock_fd = "ONELOOP_LOCK_FD";
inline constexpr const char* instance = "ONELOOP_INSTANCE";
inline constexpr const char* generation = "ONELOOP_GENERATION";
inline constexpr const char* events_file = "ONELOOP_EVENTS_FILE";
inline constexpr const char* worker_pid = "ONELOOP_PID";  // as the machine sees it
inline constexpr const char* listen_fds = "LISTEN_FDS";
inline constexpr const char* listen_pid = "LISTEN_PID";
inline constexpr const char* listen_fdnames = "LISTEN_FDNAMES";
inline constexpr const char* listen_fds_first_fd = "LISTEN_FDS_FIRST_FD";
inline constexpr const char* werkzeug_run_main = "WERKZEUG_RUN_MAIN";
inline constexpr const char* werkzeug_server_fd = "WERKZEUG_SERVER_FD";
inline constexpr const char* django_run_main = "RUN_MAIN";
inline constexpr const char* notify_socket = "NOTIFY_SOCKET";
inline constexpr const char* watchdog_usec = "WATCHDOG_USEC";
inline constexpr const char* watchdog_pid = "WATCHDOG_PID";

// First descriptor of a handed-over socket (sd_listen_fds(3), SD_LISTEN_FDS_START).
inline constexpr int first_listen_fd = 3;

// All of the above: what the supervisor removes from its own environment before it starts
// anything, since it may itself have been started by a reloader or a service manager.
std::span<const char* const> all();

// The name of the file the warden locks, inside the instance's state directory.
inline constexpr const char* worker_lock_name = "worker.lock";
inline constexpr const char* supervisor_lock_name = "supervisor.lock";

// The worker's side. Reads ONELOOP_* from the environment, proves the lock, makes it
// close-on-exec, so that helpers of the worker can't keep it, and returns it.
// Error: why this process must not poll, as one sentence for people.
Result<LockFile> prove_worker();

// This process's pid as the machine sees it: in a PID namespace of the supervisor's getpid(2) is
// another number. Known once prove_worker() has succeeded, getpid(2) until then. For people and
// records.
pid_t machine_pid();

}  // namespace oneloop::flag
