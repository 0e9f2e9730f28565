#include "supervisor/worker_cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "common/read_text.h"
#include "supervisor/cgroup_tree.h"
#include "supervisor/cgroups.h"

namespace oneloop {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

std::string record_of(const std::string& directory) {
    return directory + "/" + cgroup_record_name;
}

Result<std::string> own_group() {
    std::string own = Cgroups().directory(0, "");
    if (own.empty()) return fail("no cgroup v2 is mounted here");
    return own;
}

constexpr const char* trial_prefix = "oneloop-trial-";  // and the pid of who tries

// Of who was killed in its trial. They are empty, or rmdir(2) leaves them.
void remove_abandoned_trials(const std::string& own) {
    std::error_code error;
    for (std::filesystem::directory_iterator at(own, error), end; !error && at != end;
         at.increment(error)) {
        const std::string name = at->path().filename();
        if (!name.starts_with(trial_prefix)) continue;
        const auto pid = static_cast<pid_t>(std::atol(name.c_str() + std::strlen(trial_prefix)));
        if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) ::rmdir(at->path().c_str());
    }
}

// The caller, a child of `parent`, enters the group and waits to be killed. It has the parent's
// descriptors, supervisor.lock among them: living on it would keep every later start away.
[[noreturn]] void enter_and_wait(int directory, int pipe, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);  // it went before that was in force
    const int procs = ::openat(directory, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    const int error = procs >= 0 && ::write(procs, "0", 1) == 1 ? 0 : errno;
    (void)!::write(pipe, &error, sizeof error);
    for (;;)
        ::pause();
}

Result<void> die_in(const std::string& path) {
    const UniqueFd directory(::open(path.c_str(), directory_flags));
    if (!directory) return fail_errno("open " + path);
    int ends[2] = {};
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe2");
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    const pid_t self = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return fail_errno("fork");
    if (pid == 0) enter_and_wait(directory.get(), write_end.get(), self);
    write_end.reset();
    int error = EIO;
    const bool told = ::read(read_end.get(), &error, sizeof error) == sizeof error;
    const bool killed = told && error == 0 && kill_cgroup(directory.get());
    const int kill_error = errno;
    if (!killed) ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    if (error) return fail_errno("enter " + path, error);
    if (!killed) return fail_errno("write " + path + "/cgroup.kill", kill_error);
    return {};
}

}  // namespace

std::string cgroup_name(const std::string& uuid) {
    return "oneloop-" + uuid;
}

Result<WorkerCgroup> WorkerCgroup::make(const std::string& directory, const std::string& uuid) {
    const auto own = own_group();
    if (!own) return tl::unexpected(own.error());
    WorkerCgroup group;
    group.path_ = *own + "/" + cgroup_name(uuid);
    // Recorded first: a run that is killed in between leaves a record without a group, which is
    // nothing, and never a group without a record.
    group.record_ = record_of(directory);
    std::ofstream record(group.record_, std::ios::trunc);
    if (!(record << group.path_ << '\n') || !record.flush()) {
        return fail_errno("write " + group.record_);
    }
    if (::mkdir(group.path_.c_str(), 0755) != 0 && errno != EEXIST) {
        return fail_errno("mkdir " + group.path_);
    }
    group.directory_.reset(::open(group.path_.c_str(), directory_flags));
    if (!group.directory_) return fail_errno("open " + group.path_);
    return group;
}

void WorkerCgroup::remove() {
    if (!directory_) return;
    // Full: of what can't be ended. The record stays, for the next start.
    if (remove_cgroup(path_)) ::unlink(record_.c_str());
    directory_.reset();
}

Result<void> try_cgroup() {
    const auto own = own_group();
    if (!own) return tl::unexpected(own.error());
    remove_abandoned_trials(*own);
    const std::string path = *own + "/" + trial_prefix + std::to_string(::getpid());
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("mkdir " + path);
    auto died = die_in(path);
    if (!remove_cgroup(path) && died) return fail_errno("rmdir " + path);
    return died;
}

bool owns_cgroup() {
    if (::geteuid() != 0 || unified_path("/proc", 0) == "/") return true;
    const std::string own = Cgroups().directory(0, "");
    // systemd marks what it delegates, org.freedesktop.systemd1(5).
    for (const char* name : {"trusted.delegate", "user.delegate"}) {
        char value = '0';
        if (::getxattr(own.c_str(), name, &value, 1) == 1 && value == '1') return true;
    }
    return false;
}

void reclaim_cgroup(const std::string& directory, const std::string& uuid) {
    std::ifstream file(record_of(directory));
    std::string path;
    if (!std::getline(file, path)) return;
    const std::string name = "/" + cgroup_name(uuid);
    if (!path.ends_with(name)) return;  // damaged: nobody is ended by a guess
    const UniqueFd group(::open(path.c_str(), directory_flags));
    // Not when we are in it ourselves: started from a shell that is itself what is left.
    if (group && !in_cgroup_of(::getpid(), uuid) && populated(group.get())) {
        kill_cgroup(group.get());
        for (int waited = 0; populated(group.get()) && waited < 2000; ++waited)
            ::poll(nullptr, 0, 1);
    }
    if (remove_cgroup(path)) ::unlink(record_of(directory).c_str());
}

bool in_cgroup_of(pid_t pid, const std::string& uuid) {
    return (unified_path("/proc", pid) + "/").find("/" + cgroup_name(uuid) + "/") !=
           std::string::npos;
}

}  // namespace oneloop
