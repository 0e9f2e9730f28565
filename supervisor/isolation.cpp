#include "supervisor/isolation.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "supervisor/worker_cgroup.h"

namespace oneloop {
namespace {

bool write_all(const char* path, const char* text, std::size_t size) {
    const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool written = ::write(fd, text, size) == static_cast<ssize_t>(size);
    const int error = errno;
    ::close(fd);
    errno = error;
    return written;
}

// "ID ID 1", without the library's formatting: it runs between fork and exec.
std::size_t one_to_one(unsigned id, std::array<char, 32>& text) {
    std::array<char, 12> digits{};
    std::size_t count = 0;
    do {
        digits[count++] = static_cast<char>('0' + id % 10);
        id /= 10;
    } while (id);
    std::size_t at = 0;
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = count; i > 0; --i)
            text[at++] = digits[i - 1];
        text[at++] = ' ';
    }
    text[at++] = '1';
    return at;
}

bool map_ids(unsigned uid, unsigned gid) {
    std::array<char, 32> text{};
    std::size_t size = one_to_one(uid, text);
    if (!write_all("/proc/self/uid_map", text.data(), size)) return false;
    // user_namespaces(7): the gid map may only be written after setgroups(2) was given up.
    if (!write_all("/proc/self/setgroups", "deny", 4)) return false;
    size = one_to_one(gid, text);
    return write_all("/proc/self/gid_map", text.data(), size);
}

// A child that goes the whole way and exits.
Result<void> try_out(Isolation isolation) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return fail_errno("pipe2");
    const unsigned uid = ::geteuid();
    const unsigned gid = ::getegid();
    struct Report {
        int error;
        const char* step;
    } report{0, ""};
    const long pid =
        ::syscall(SYS_clone, clone_flags(isolation) | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
    if (pid == 0) {
        // It has our descriptors, the lock among them, and a mount may hang.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        report.error = enter_isolation(isolation, uid, gid, &report.step);
        (void)!::write(pipe[1], &report, sizeof report);
        ::_exit(0);
    }
    const int clone_error = errno;
    ::close(pipe[1]);
    if (pid < 0) {
        ::close(pipe[0]);
        return fail_errno("clone", clone_error);
    }
    const ssize_t got = ::read(pipe[0], &report, sizeof report);
    ::close(pipe[0]);
    ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
    if (got != sizeof report) return fail("the trial process died");
    if (report.error) return fail_errno(report.step, report.error);
    return {};
}

// The best of what needs no namespace.
IsolationPlan below_namespace(const std::string& fallback) {
    const bool grouped = owns_cgroup() && try_cgroup();
    return {grouped ? Isolation::cgroup : Isolation::subreaper, fallback};
}

}  // namespace

Result<IsolationPlan> plan_isolation(IsolationChoice choice) {
    const bool root = ::geteuid() == 0;
    if (choice == IsolationChoice::subreaper) return IsolationPlan{};
    if (choice == IsolationChoice::cgroup) {
        const auto tried = try_cgroup();
        if (tried) return IsolationPlan{Isolation::cgroup, ""};
        return fail("--isolate cgroup can't be had here: " + tried.error().what,
                    tried.error().code);
    }
    if (choice == IsolationChoice::automatic && !root) return below_namespace("");
    // Root keeps its user namespace: in a new one it would lose low ports and other users' files.
    const Isolation wanted = root ? Isolation::pidns : Isolation::user_pidns;
    const auto tried = try_out(wanted);
    if (tried) return IsolationPlan{wanted, ""};
    if (choice == IsolationChoice::pidns) {
        return fail("--isolate pidns can't be had here: " + tried.error().what, tried.error().code);
    }
    return below_namespace("no PID namespace here (" + tried.error().what + ")");
}

unsigned long clone_flags(Isolation isolation) {
    switch (isolation) {
        case Isolation::subreaper:
        case Isolation::cgroup:
            return 0;
        case Isolation::pidns:
            return CLONE_NEWPID | CLONE_NEWNS;
        case Isolation::user_pidns:
            return CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUSER;
    }
    return 0;
}

int enter_isolation(Isolation isolation, unsigned uid, unsigned gid, const char** step) {
    if (!is_namespace(isolation)) return 0;
    if (isolation == Isolation::user_pidns) {
        *step = "map user and group";
        if (!map_ids(uid, gid)) return errno;
    }
    // Slave: disks mounted later on the machine appear here too, our /proc does not appear there.
    *step = "make mounts private";
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return errno;
    *step = "mount /proc";
    if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
        return errno;
    return 0;
}

std::string describe(Isolation isolation) {
    switch (isolation) {
        case Isolation::subreaper:
            return "the warden's care";
        case Isolation::cgroup:
            return "a control group";
        case Isolation::pidns:
            return "a PID namespace";
        case Isolation::user_pidns:
            return "a user and a PID namespace";
    }
    return "";
}

}  // namespace oneloop
