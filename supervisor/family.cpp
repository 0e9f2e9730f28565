#include "supervisor/family.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "supervisor/descendants.h"

namespace oneloop {
namespace {

bool is_in(const std::vector<pid_t>& pids, pid_t pid) {
    return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

}  // namespace

void Family::remove_warden(pid_t pid) {
    std::erase(wardens_, pid);
}

bool Family::is_warden(pid_t pid) const {
    return is_in(wardens_, pid);
}

void Family::note_strangers() {
    if (sweeps_ > 0) return;  // orphans are among them
    auto children = direct_children();
    // In this order: the kernel gives a process's children away in the step that ends it, so while
    // all wardens live, what was read before holds no orphan of theirs.
    if (a_warden_has_ended()) return;
    std::erase_if(children, [this](pid_t pid) { return is_warden(pid); });
    strangers_ = std::move(children);
}

// Also before its handle has noticed. What the kernel reaps is no child any more: ECHILD.
bool Family::a_warden_has_ended() const {
    return std::any_of(wardens_.begin(), wardens_.end(), [](pid_t pid) {
        siginfo_t info{};
        const int flags = WEXITED | WNOHANG | WNOWAIT | __WALL;
        return ::waitid(P_PID, static_cast<id_t>(pid), &info, flags) != 0 || info.si_pid != 0;
    });
}

void Family::buried(pid_t pid) {
    std::erase(strangers_, pid);
}

bool Family::sweep() {
    signal_children(SIGKILL, spared());
    return bury() || only_spared_left();
}

// True: no child is left, the kernel's word (ECHILD).
bool Family::bury() {
    for (;;) {
        siginfo_t info{};
        // WNOWAIT: a warden's end is the business of who made it.
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) {
            if (errno == EINTR) continue;
            return true;
        }
        if (info.si_pid == 0) return false;
        if (is_warden(info.si_pid)) {
            bury_one_by_one();
            return false;
        }
        if (::waitpid(info.si_pid, nullptr, WNOHANG | __WALL) > 0) buried(info.si_pid);
    }
}

// Behind a dead warden the kernel shows no other child, and nobody waits for one that was prepared
// before it is needed: after the sweep.
void Family::bury_one_by_one() {
    for (const pid_t pid : direct_children()) {
        if (!is_warden(pid) && ::waitpid(pid, nullptr, WNOHANG | __WALL) == pid) buried(pid);
    }
}

// False when it can't be known, without a descriptor to read /proc: there are children, so an empty
// list is none.
bool Family::only_spared_left() const {
    const auto children = direct_children();
    const auto all = spared();
    return !children.empty() && std::all_of(children.begin(), children.end(),
                                            [&](pid_t pid) { return is_in(all, pid); });
}

std::vector<pid_t> Family::spared() const {
    auto all = strangers_;
    all.insert(all.end(), wardens_.begin(), wardens_.end());
    return all;
}

}  // namespace oneloop
