#include "supervisor/worker_state.h"

#include <dirent.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/read_text.h"

namespace oneloop {
namespace {

// Two clocks are not read at one moment, and a loaded machine may stay in between.
constexpr auto clock_noise = std::chrono::milliseconds(500);

// The value of "NAME:\tVALUE" in a file like /proc/PID/status; "" when there is none.
std::string field(const std::string& text, const std::string& name) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(name + ":")) continue;
        const auto value = line.find_first_not_of(" \t", name.size() + 1);
        return value == std::string::npos ? "" : line.substr(value);
    }
    return "";
}

struct CloseDirectory {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

std::vector<std::string> threads_of(const std::string& process) {
    std::vector<std::string> result;
    const std::string path = process + "/task";
    const std::unique_ptr<DIR, CloseDirectory> dir(::opendir(path.c_str()));
    while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
        if (entry->d_name[0] != '.') result.push_back(path + "/" + entry->d_name);
    }
    return result;
}

// Frozen itself, or by one of its ancestors up to the mount: cgroup.events says whether all of it
// is frozen by now, cgroup.freeze whether it is to be (Documentation/admin-guide/cgroup-v2.rst).
// freezer.state of v1 knows FREEZING as well.
bool any_frozen(const std::string& mount, std::string directory) {
    while (directory.size() >= mount.size() && !directory.empty()) {
        const std::string events = "\n" + read_text(directory + "/cgroup.events");
        const std::string state = read_text(directory + "/freezer.state");
        if (events.find("\nfrozen 1") != std::string::npos ||
            read_text(directory + "/cgroup.freeze").starts_with('1') ||
            state.starts_with("FROZEN") || state.starts_with("FREEZING")) {
            return true;
        }
        const auto slash = directory.rfind('/');
        if (slash == std::string::npos) break;
        directory.resize(slash);
    }
    return false;
}

}  // namespace

WorkerState::WorkerState(std::string proc, Suspended suspended)
    : proc_(std::move(proc)), suspended_(std::move(suspended)), slept_(suspended_()) {}

std::chrono::nanoseconds WorkerState::suspended_so_far() {
    return BootClock::now().time_since_epoch() -
           std::chrono::duration_cast<std::chrono::nanoseconds>(Steady::now().time_since_epoch());
}

void WorkerState::forget() {
    sender_ = 0;
    sender_lives_.reset();
    slept_ = suspended_();
}

void WorkerState::sign_from(pid_t sender) {
    if (sender == sender_ || sender <= 0) return;
    sender_lives_.reset(static_cast<int>(::syscall(SYS_pidfd_open, sender, 0)));
    sender_ = sender_lives_ ? sender : 0;
}

Hold WorkerState::look(pid_t worker) {
    const auto slept = suspended_();
    const bool suspended = slept - slept_ > clock_noise;
    slept_ = slept;
    if (auto reason = why(worker); !reason.empty()) return {std::move(reason), false};
    if (sender_ > 0 && sender_ != worker) {
        pollfd ended{sender_lives_.get(), POLLIN, 0};
        if (::poll(&ended, 1, 0) > 0) {
            forget();
        } else if (const auto reason = why(sender_); !reason.empty()) {
            return {"its process " + std::to_string(sender_) + ": " + reason, false};
        }
    }
    if (suspended) return {"the machine was suspended", true};
    return {};
}

std::string WorkerState::why(pid_t pid) {
    if (pid <= 0) return "";
    if (auto tracer = why_tracer(pid); !tracer.empty()) return tracer;
    // T: by a signal; of all threads at once (signal(7), "stop").
    const std::string state =
        field(read_text(proc_ + "/" + std::to_string(pid) + "/status"), "State");
    if (state.starts_with('T')) return "it is stopped (SIGSTOP or Ctrl-Z)";
    if (frozen(pid)) return "its cgroup is frozen";
    return "";
}

// A debugger may have attached to one thread only: ptrace(2).
std::string WorkerState::why_tracer(pid_t pid) const {
    for (const auto& thread : threads_of(proc_ + "/" + std::to_string(pid))) {
        const std::string status = read_text(thread + "/status");
        const std::string tracer = field(status, "TracerPid");
        if (!tracer.empty() && tracer != "0") {
            std::string name = read_text(proc_ + "/" + tracer + "/comm");
            if (name.ends_with('\n')) name.pop_back();
            return "a debugger has it (pid " + tracer + (name.empty() ? "" : ", " + name) + ")";
        }
        // The debugger is in another PID namespace, so that its number can't be told.
        if (field(status, "State").starts_with('t')) return "a debugger has it";
    }
    return "";
}

bool WorkerState::frozen(pid_t pid) {
    if (!cgroups_) cgroups_.emplace(proc_);
    for (const char* controller : {"", "freezer"}) {
        if (any_frozen(cgroups_->mount_point(controller), cgroups_->directory(pid, controller))) {
            return true;
        }
    }
    return false;
}

}  // namespace oneloop
