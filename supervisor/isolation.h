// isolation: how a generation is kept together, from what this machine allows.
//
//   subreaper  The warden is a child subreaper: orphans come to it and it ends them. Needs nothing.
//   Its
//              hole: supervisor and warden killed at the same moment leave what escaped to init.
//   cgroup     As subreaper, and the worker has a control group of its own: one write ends
//   all
//              of it at once, and after supervisor and warden were killed the next start finds all
//              of it.
//   pidns      The warden is process 1 of a PID namespace: when it dies, by whatever, the kernel
//   kills
//              every member and waits for them. For root without, for others with a user namespace.
//
// What is there is tried at start, never assumed: containers, AppArmor and sysctl settings refuse
// it in different ways.
#pragma once

#include <optional>
#include <string>

#include "common/result.h"

namespace oneloop {

enum class Isolation {
    subreaper,
    cgroup,
    pidns,       // CLONE_NEWPID | CLONE_NEWNS: root
    user_pidns,  // … | CLONE_NEWUSER: everybody else
};

enum class IsolationChoice { automatic, subreaper, cgroup, pidns };

struct IsolationPlan {
    Isolation isolation = Isolation::subreaper;
    std::string fallback;  // why it is not what was asked for; empty when it is
};

// automatic: pidns for root, else a control group where ours is ours to divide, else subreaper.
// Error: what was asked for by name can't be had.
Result<IsolationPlan> plan_isolation(IsolationChoice choice);

// clone(2) flags beyond CLONE_PIDFD.
unsigned long clone_flags(Isolation isolation);

// In the new process, before exec; only async-signal-safe calls. Maps the ids one to one and mounts
// a /proc that shows the namespace. Returns 0, or an errno with `step` set to what failed.
int enter_isolation(Isolation isolation, unsigned uid, unsigned gid, const char** step);

// The kernel ends everything with the warden.
constexpr bool is_namespace(Isolation isolation) {
    return isolation == Isolation::pidns || isolation == Isolation::user_pidns;
}

// "a PID namespace", for people.
std::string describe(Isolation isolation);

}  // namespace oneloop
