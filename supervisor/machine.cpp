#include "supervisor/machine.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <sstream>

#include "common/read_text.h"
#include "common/unique_fd.h"
#include "supervisor/isolation.h"
#include "supervisor/worker_cgroup.h"

namespace oneloop {
namespace {

MachineLine kernel_line() {
    utsname name{};
    ::uname(&name);
    MachineLine line{"", Standing::holds, fmt::format("kernel {}", name.release),
                     "5.10 or newer is needed", ""};
    if (!is_new_enough(name.release)) {
        line.standing = Standing::missing;
        line.detail = "older than 5.10: what oneloop rests on is not there";
        line.way_out = "boot a kernel from 5.10 on (Debian 11, Ubuntu 22.04, RHEL 9 or later)";
    }
    return line;
}

MachineLine pidfd_line(const UniqueFd& self, int error) {
    if (self) {
        return {"I3", Standing::holds, "pidfd_open",
                "the next generation waits for the end of the last process of the old one", ""};
    }
    return {"I3", Standing::missing, "pidfd_open",
            fmt::format("{}: the end of a generation can't be seen", std::strerror(error)),
            "allow pidfd_open in the container's seccomp profile"};
}

MachineLine pidfd_signal_line(const UniqueFd& self) {
    if (::syscall(SYS_pidfd_send_signal, self.get(), 0, nullptr, 0) == 0) {
        return {"I5", Standing::holds, "pidfd_send_signal",
                "a signal reaches the process it was meant for, never a later owner of its pid",
                ""};
    }
    return {"I5", Standing::weaker, "pidfd_send_signal",
            fmt::format("{}: --end of the doctor can't end anything", std::strerror(errno)),
            "allow pidfd_send_signal in the container's seccomp profile"};
}

MachineLine clone_line() {
    // Too small an argument: EINVAL from the call itself, ENOSYS or EPERM from a filter before it.
    ::syscall(SYS_clone3, nullptr, 0);
    if (errno == EINVAL) {
        return {"I3", Standing::holds, "clone3", "a warden is born together with its pidfd", ""};
    }
    return {"I3", Standing::holds, "clone3",
            fmt::format("not here ({}); clone gives the pidfd instead, nothing is lost",
                        std::strerror(errno)),
            ""};
}

MachineLine subreaper_line() {
    int before = 0;
    ::prctl(PR_GET_CHILD_SUBREAPER, &before);
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0) {
        ::prctl(PR_SET_CHILD_SUBREAPER, before);
        return {"I2", Standing::holds, "child subreaper",
                "what leaves the worker's session comes back to its warden", ""};
    }
    return {"I2", Standing::missing, "child subreaper",
            fmt::format("{}: daemons of the worker would get away", std::strerror(errno)),
            "allow prctl in the container's seccomp profile"};
}

MachineLine children_line() {
    const std::string self = std::to_string(::getpid());
    if (::access(("/proc/" + self + "/task/" + self + "/children").c_str(), R_OK) == 0) {
        return {"I5", Standing::holds, "/proc/PID/task/*/children",
                "a stop finds every descendant at once", ""};
    }
    if (::access("/proc/self/stat", R_OK) != 0) {
        return {"I5", Standing::missing, "/proc",
                "not there: a stop can't find the worker's descendants",
                "mount -t proc proc /proc"};
    }
    return {"I5", Standing::weaker, "/proc/PID/task/*/children",
            "not in this kernel (CONFIG_PROC_CHILDREN): all of /proc is read instead, and a stop "
            "takes longer",
            ""};
}

MachineLine hidepid_line() {
    if (!hides_processes(read_text("/proc/self/mounts")) || ::access("/proc/1/stat", R_OK) == 0) {
        return {"I8", Standing::holds, "/proc shows every process",
                "who holds a lock or a port can be named", ""};
    }
    return {"I8", Standing::weaker, "/proc shows every process",
            "mounted with hidepid: who holds a lock or a port is not named when it is another user",
            "sudo mount -o remount,hidepid=0 /proc"};
}

MachineLine namespace_line(const Options& options) {
    const bool root = ::geteuid() == 0;
    const auto possible = plan_isolation(IsolationChoice::pidns);
    const auto plan = plan_isolation(options.isolate);
    const std::string what = root ? "PID namespace" : "user and PID namespace";
    if (plan && is_namespace(plan->isolation)) {
        return {"I2", Standing::holds, what,
                "when the warden dies, of whatever, the kernel ends all that is below it", ""};
    }
    const std::string hole =
        "when supervisor and warden are killed at the same moment, what they started survives "
        "until the "
        "next start, which ends it";
    if (possible) {
        return {"I2", Standing::weaker, what, "not in use: " + hole,
                "add --isolate pidns (then sudo does not work in the worker)"};
    }
    // Asked for by name and not to be had: then the supervisor does not start.
    const bool insisted = options.isolate == IsolationChoice::pidns;
    return {"I2", insisted ? Standing::missing : Standing::weaker, what,
            possible.error().what + (insisted ? "" : "; " + hole),
            root ? "give the container CAP_SYS_ADMIN (docker run --cap-add SYS_ADMIN)"
                 : "sudo sysctl kernel.unprivileged_userns_clone=1 "
                   "kernel.apparmor_restrict_unprivileged_userns=0 (those that exist), then add "
                   "--isolate pidns"};
}

MachineLine cgroup_line(const Options& options) {
    MachineLine line{"I2", Standing::holds, "control group", "", ""};
    const auto tried = try_cgroup();
    const auto plan = plan_isolation(options.isolate);
    if (plan && plan->isolation == Isolation::cgroup) {
        line.detail =
            "the worker has one of its own: one write ends all of it, and after supervisor "
            "and warden were killed at once the next start finds all of it";
    } else if (plan && is_namespace(plan->isolation)) {
        line.detail = std::string(tried ? "can be had" : tried.error().what) +
                      "; not needed, the PID namespace holds more";
    } else if (tried) {
        line.standing = Standing::weaker;
        line.detail =
            "can be had and is not in use: a helper that has cleared its environment is "
            "not found after supervisor and warden were killed at once";
        line.way_out = "add --isolate cgroup";
    } else if (options.isolate == IsolationChoice::cgroup) {
        line.standing = Standing::missing;
        line.detail = tried.error().what;
        line.way_out =
            "in a service: Delegate=yes; in a shell: systemd-run --user --scope -p "
            "Delegate=yes supervisor …";
    } else {
        line.detail = "not here (" + tried.error().what + "); nothing rests on it";
    }
    return line;
}

}  // namespace

bool is_new_enough(std::string_view release) {
    int major = 0;
    int minor = 0;
    if (std::sscanf(std::string(release).c_str(), "%d.%d", &major, &minor) != 2) return false;
    return major > 5 || (major == 5 && minor >= 10);
}

bool hides_processes(const std::string& mounts) {
    std::istringstream lines(mounts);
    bool hides = false;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string device, where, type, options;
        words >> device >> where >> type >> options;
        if (where != "/proc" || type != "proc") continue;
        options = fmt::format(",{}", options);
        const auto at = options.find(",hidepid=");
        // The last one mounted is on top. 0 is "off"; 1 hides contents, the rest whole processes.
        hides = at != std::string::npos && options.compare(at + 9, 1, "0") != 0 &&
                options.compare(at + 9, 3, "off") != 0;
    }
    return hides;
}

void examine_kernel(std::vector<MachineLine>& lines) {
    lines.push_back(kernel_line());
    const UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    const int error = errno;
    lines.push_back(pidfd_line(self, error));
    lines.push_back(clone_line());
    if (self) lines.push_back(pidfd_signal_line(self));
    lines.push_back(children_line());
    lines.push_back(hidepid_line());
}

void examine_tree(const Options& options, std::vector<MachineLine>& lines) {
    lines.push_back(subreaper_line());
    lines.push_back(namespace_line(options));
    lines.push_back(cgroup_line(options));
}

std::vector<MachineLine> examine_machine(const Options& options) {
    std::vector<MachineLine> lines;
    examine_kernel(lines);
    examine_tree(options, lines);
    examine_state(options, lines);
    examine_watches(options, lines);
    std::stable_sort(lines.begin(), lines.end(),
                     [](const auto& a, const auto& b) { return a.invariant < b.invariant; });
    return lines;
}

Standing worst(const std::vector<MachineLine>& lines) {
    Standing result = Standing::holds;
    for (const auto& line : lines)
        result = std::max(result, line.standing);
    return result;
}

}  // namespace oneloop
