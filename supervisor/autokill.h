// autokill: a child that the kernel kills when the last reference to its pidfd is closed
// (CLONE_PIDFD_AUTOKILL, Linux 7.1).
//
// Stronger than PR_SET_PDEATHSIG: not bound to a thread, not wiped by exec or a change of uid, and
// in force from the first instruction on. It comes with CLONE_AUTOREAP: such a child can't be
// waited for, its pidfd tells its end. Used for the warden that is process 1 of a PID namespace,
// and only where a trial has shown all of it. Not for a warden that has to outlive us to end
// others. Forks: call it before there is a second thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace oneloop {

// clone3(2) flags. Without CLONE_NNP, which would break setuid programs below, CAP_SYS_ADMIN is
// needed.
inline constexpr std::uint64_t clone_autoreap = 1ULL << 34;
inline constexpr std::uint64_t clone_pidfd_autokill = 1ULL << 36;

// A process of our own ends and its end is read, another one is let go of and dies. False where the
// kernel knows nothing of it, or where anything of that is not so.
bool try_autokill();

// The status, as wait(2) has it, of a process that has ended and was reaped by the kernel
// (PIDFD_GET_INFO with PIDFD_INFO_EXIT, Linux 6.15). None: not known, or it lives.
std::optional<int> wait_status_of(int pidfd);

}  // namespace oneloop
