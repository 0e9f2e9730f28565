#include "supervisor/selftest_stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "common/exec_pointers.h"
#include "common/flag.h"
#include "common/lock_file.h"
#include "common/read_text.h"
#include "supervisor/instance.h"

namespace oneloop::selftest {
namespace {

namespace fs = std::filesystem;

constexpr const char* mark_name = "ONELOOP_SELFTEST";

volatile sig_atomic_t caught = 0;

void on_signal(int signal) {
    caught = signal;
}

struct CloseDirectory {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

std::string read_proc(pid_t pid, const char* name) {
    return read_text(fmt::format("/proc/{}/{}", pid, name));
}

// `environment`: NAME=value, each ended by NUL.
bool has_entry(const std::string& environment, const std::string& entry) {
    const std::string whole = '\0' + environment;
    return whole.find('\0' + entry + '\0') != std::string::npos;
}

std::int64_t generation_in(const std::string& environment) {
    const std::string start = '\0' + std::string(flag::generation) + "=";
    const auto at = environment.find(start);
    return at == std::string::npos ? 0 : std::atoll(environment.c_str() + at + start.size());
}

Result<std::string> make_directory(const std::string& below) {
    std::string pattern = below + "/oneloop-selftest-XXXXXX";
    if (!::mkdtemp(pattern.data())) return fail_errno("mkdtemp " + pattern);
    // Refuses what does not keep a lock for one holder only, as the supervisor will.
    if (auto lock = LockFile::open(pattern + "/trial.lock"); !lock) {
        std::error_code ignored;
        fs::remove_all(pattern, ignored);
        return tl::unexpected(lock.error());
    }
    return pattern;
}

std::vector<std::string> candidates(const std::string& where) {
    if (!where.empty()) return {where};
    std::vector<std::string> list;
    if (const char* named = ::getenv("TMPDIR"); named && *named == '/') list.emplace_back(named);
    list.insert(list.end(), {"/tmp", "/var/tmp", instance_base()});
    return list;
}

// Ours without what a supervisor above us has put there, and with the mark.
std::vector<std::string> environment_with(const std::string& mark) {
    std::vector<std::string> result;
    const auto handed = flag::all();
    for (char** entry = environ; *entry; ++entry) {
        const std::string_view text(*entry);
        const auto name = text.substr(0, text.find('='));
        if (name == mark_name) continue;
        if (std::find(handed.begin(), handed.end(), name) != handed.end()) continue;
        result.emplace_back(text);
    }
    result.push_back(mark);
    return result;
}

}  // namespace

void catch_signals() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP}) {
        struct sigaction before {};
        ::sigaction(signal, nullptr, &before);
        if (signal == SIGHUP && before.sa_handler == SIG_IGN) continue;  // nohup(1)
        ::sigaction(signal, &action, nullptr);
    }
    ::signal(SIGPIPE, SIG_IGN);  // a reader that has gone must not keep us from cleaning up
}

int caught_signal() {
    return caught;
}

void pause_for(std::chrono::microseconds time) {
    const auto us = time.count();
    const timespec t{us / 1'000'000, (us % 1'000'000) * 1000};
    ::nanosleep(&t, nullptr);  // a signal cuts it short, which is what we want
}

Result<std::unique_ptr<Stage>> Stage::open(const std::string& where) {
    std::unique_ptr<Stage> stage(new Stage);
    std::error_code error;
    stage->program_ = fs::read_symlink("/proc/self/exe", error).string();
    if (error) return fail("/proc/self/exe: " + error.message());
    if (::access(stage->program_.c_str(), X_OK) != 0) return fail_errno(stage->program_);
    std::string uuid;
    if (std::ifstream kernel("/proc/sys/kernel/random/uuid"); !std::getline(kernel, uuid)) {
        return fail("cannot read /proc/sys/kernel/random/uuid");
    }
    stage->mark_ = fmt::format("{}={}", mark_name, uuid);
    std::string reasons;
    for (const auto& place : candidates(where)) {
        auto made = make_directory(fs::absolute(place).lexically_normal().string());
        if (!made) {
            reasons += (reasons.empty() ? "" : "\n") + made.error().what;
            continue;
        }
        stage->directory_ = *made;
        if (::mkdir(stage->file("project").c_str(), 0700) != 0) return fail_errno("mkdir project");
        std::ofstream(stage->watched(0)) << "0\n";
        return stage;
    }
    return fail(reasons);
}

Stage::~Stage() {
    sweep();
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    std::error_code ignored;
    if (!keep_ && !directory_.empty()) fs::remove_all(directory_, ignored);
}

Result<void> Stage::guard(const std::string& log) {
    guard_.reset(::open(log.c_str(), O_RDWR | O_CLOEXEC));
    if (!guard_ || ::flock(guard_.get(), LOCK_EX | LOCK_NB) != 0) return fail_errno("lock " + log);
    return {};
}

Result<pid_t> Stage::start(const std::vector<std::string>& arguments) {
    std::vector<std::string> command = {program_};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const auto argv = exec_pointers(command);
    const auto environment = environment_with(mark_);
    const auto envp = exec_pointers(environment);
    const std::string project = file("project");
    const std::string console = file("console");
    const pid_t self = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return fail_errno("fork");
    if (pid > 0) return pid;
    // Should we be killed, nothing of the test goes on: its supervisors die, and their trees with
    // them.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != self) ::_exit(1);
    ::setsid();  // Ctrl-C is ours alone
    ::signal(SIGPIPE, SIG_DFL);
    const int null = ::open("/dev/null", O_RDONLY);
    const int out = ::open(console.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(null, 0);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::syscall(SYS_close_range, 3, ~0U, 0);
    if (::chdir(project.c_str()) == 0) ::execve(argv[0], argv.data(), envp.data());
    ::_exit(exit_not_found);
}

std::optional<ExitStatus> Stage::ended(pid_t child) {
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) != child) return std::nullopt;
    return ExitStatus::from_wait_status(status);
}

std::vector<Marked> Stage::living() const {
    std::vector<Marked> found;
    const std::unique_ptr<DIR, CloseDirectory> proc(::opendir("/proc"));
    while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
        const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
        if (pid <= 0 || pid == ::getpid()) continue;
        const std::string environment = read_proc(pid, "environ");
        if (!has_entry(environment, mark_)) continue;
        Marked one{pid, generation_in(environment), read_proc(pid, "cmdline")};
        std::replace(one.command.begin(), one.command.end(), '\0', ' ');
        found.push_back(std::move(one));
    }
    return found;
}

bool Stage::signal(pid_t pid, int number) const {
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd) return false;
    // While the pidfd answers, the pid can't have gone to anybody else.
    if (!has_entry(read_proc(pid, "environ"), mark_)) return false;
    return ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) == 0;
}

bool Stage::sweep() {
    if (mark_.empty()) return true;
    // A child between fork and exec has no mark yet, so one clean look is not enough.
    int clean = 0;
    for (int round = 0; round < 2000 && clean < 3; ++round) {
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        const auto left = living();
        clean = left.empty() ? clean + 1 : 0;
        for (const auto& one : left)
            (void)signal(one.pid, SIGKILL);
        ::poll(nullptr, 0, 2);
    }
    return clean > 0;
}

}  // namespace oneloop::selftest
