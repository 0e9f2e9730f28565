#include "common/flag.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

namespace oneloop::flag {
namespace {

constexpr std::array<const char*, 16> variables = {
    events_file,       run_main,           lock_fd,         instance,       generation,
    worker_pid,        listen_fds,         listen_pid,      listen_fdnames, listen_fds_first_fd,
    werkzeug_run_main, werkzeug_server_fd, django_run_main, notify_socket,  watchdog_usec,
    watchdog_pid,
};

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

pid_t proven_pid = 0;

// Empty when the lock is real, is held, and belongs to this instance; then it is close-on-exec.
std::string why_not_ours(LockFile& lock) {
    const auto slash = lock.path().rfind('/');
    if (std::string_view(lock.path()).substr(slash + 1) != worker_lock_name) {
        return "the lock handed over is not real: " + lock.path() + " is not a worker.lock";
    }
    // We share the warden's open file description, so this succeeds at once. It fails exactly when
    // somebody else holds the lock.
    const auto held = lock.try_lock();
    if (!held) return "the lock handed over is not real: " + held.error().what;
    const LockRecord record = lock.read();
    if (!*held) {
        return "the lock handed over is held by another process (pid " +
               std::to_string(record.pid) + ")";
    }
    if (record.instance.empty() || record.instance != environment(instance)) {
        return "the lock handed over belongs to another instance (" + record.instance + ")";
    }
    if (!set_cloexec(lock.fd(), true)) return "the lock handed over can't be made close-on-exec";
    return "";
}

}  // namespace

std::span<const char* const> all() {
    return variables;
}

Result<LockFile> prove_worker() {
    if (environment(run_main) != "true") {
        return fail("not started by a supervisor (ONELOOP_RUN_MAIN is not set)");
    }
    const std::string number = environment(lock_fd);
    if (number.empty()) return fail("ONELOOP_RUN_MAIN is set, but no lock was handed over");
    char* end = nullptr;
    const long fd = std::strtol(number.c_str(), &end, 10);
    if (*end != '\0' || fd < 0 || fd > 1'000'000) {
        return fail("ONELOOP_LOCK_FD=" + number + " is not a descriptor");
    }
    auto lock = LockFile::adopt(static_cast<int>(fd));
    if (!lock)
        return fail("the lock handed over is not real: " + lock.error().what, lock.error().code);
    if (const std::string why = why_not_ours(*lock); !why.empty()) {
        // Not ours, so not ours to close: the number may be stale and mean somebody's output.
        (void)lock->release();
        return fail(why);
    }
    proven_pid = std::atoi(environment(worker_pid).c_str());
    return lock;
}

pid_t machine_pid() {
    return proven_pid > 0 ? proven_pid : ::getpid();
}

}  // namespace oneloop::flag
