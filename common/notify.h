// notify: what we tell the service manager that has started us, in the words of sd_notify(3).
//
// Not for what a worker tells us: that is supervisor/notify_message. The variables are read once,
// at the start, and can be removed then, so that nothing we start can take itself for us. Any
// thread.
#pragma once

#include <string>

#include "common/clock.h"
#include "common/result.h"

namespace oneloop {

// Who wants to hear from us. A value.
struct ServiceManager {
    std::string socket;   // NOTIFY_SOCKET; empty: nobody
    Duration watchdog{};  // it wants a sign of life at least that often; 0: it does not

    [[nodiscard]] bool listens() const { return !socket.empty(); }
};

// From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. A WATCHDOG_PID of another process means that
// the watchdog is not for us (sd_watchdog_enabled(3)). Call it before flag::all() is removed.
ServiceManager find_service_manager();

// The lines of a message.
namespace notify {

inline constexpr const char* ready = "READY=1";
inline constexpr const char* stopping = "STOPPING=1";
inline constexpr const char* watchdog = "WATCHDOG=1";
// RELOADING=1 and the MONOTONIC_USEC that belongs to it. READY=1 has to follow.
std::string reloading(SteadyTime now);
// One line, whatever the text holds.
std::string status(std::string_view text);
// To be sent with a descriptor: the manager keeps it for the next run of ours, which gets it under
// this name in LISTEN_FDNAMES (sd_pid_notify_with_fds(3), FileDescriptorStoreMax=).
std::string keep(std::string_view name);
std::string forget(std::string_view name);

}  // namespace notify

// Sends lines, joined by newlines. Never waits. Without a service manager it does nothing.
// Error EAGAIN: the manager has not read what it was sent before; try again later.
// `descriptor`: goes with them; -1: none.
Result<void> tell(const ServiceManager& manager, const std::string& lines, int descriptor = -1);

}  // namespace oneloop
