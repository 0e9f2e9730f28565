#include "supervisor/instance.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/flag.h"
#include "common/open_files.h"
#include "common/read_text.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;

std::string join_command(const std::vector<std::string>& command) {
    return fmt::format("{}", fmt::join(command, " "));
}

std::string key_of(const std::string& cwd, const std::vector<std::string>& command) {
    std::string text = cwd;
    for (const auto& argument : command)
        text += '\0' + argument;
    const auto hash = XXH3_64bits(text.data(), text.size());
    // The name is for people, the hash is the key; NAME_MAX is 255 bytes.
    return fmt::format("{}-{:016x}", fs::path(cwd).filename().string().substr(0, 100), hash);
}

std::string since(std::int64_t seconds) {
    const std::time_t time = seconds;
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(time));
}

// Read or made under supervisor.lock, so two starts can't make two.
Result<std::string> instance_uuid(const std::string& directory) {
    const std::string path = directory + "/" + instance_uuid_name;
    std::string uuid;
    if (std::ifstream file(path); file && std::getline(file, uuid) && uuid.size() == 36)
        return uuid;
    if (std::ifstream kernel("/proc/sys/kernel/random/uuid"); !std::getline(kernel, uuid)) {
        return fail_errno("read /proc/sys/kernel/random/uuid");
    }
    std::ofstream file(path, std::ios::trunc);
    if (!(file << uuid << '\n') || !file.flush()) return fail_errno("write " + path);
    return uuid;
}

// For supervisor clean. Without it the directory is merely kept longer.
void record_cwd(const std::string& directory) {
    std::array<char, PATH_MAX> cwd{};
    if (!::getcwd(cwd.data(), cwd.size())) return;
    std::ofstream(directory + "/" + instance_cwd_name, std::ios::trunc) << cwd.data();
}

}  // namespace

std::string instance_base() {
    if (const char* systemd = ::getenv("STATE_DIRECTORY"); systemd && *systemd == '/') {
        const std::string list = systemd;
        return list.substr(0, list.find(':'));
    }
    if (const passwd* user = ::getpwuid(::geteuid());
        user && user->pw_dir && ::access(user->pw_dir, W_OK) == 0) {
        return std::string(user->pw_dir) + "/.local/state/oneloop";
    }
    // A user without a home: kept across reboots, not swept by age as /tmp is.
    return fmt::format("/var/tmp/oneloop-{}", ::geteuid());
}

std::string recorded_cwd(const std::string& directory) {
    return read_text(directory + "/" + instance_cwd_name);
}

Result<std::string> instance_directory(const std::string& state_dir,
                                       const std::vector<std::string>& command) {
    std::array<char, PATH_MAX> cwd{};
    if (!::getcwd(cwd.data(), cwd.size())) return fail_errno("current directory");
    if (!state_dir.empty()) return fs::absolute(state_dir).lexically_normal().string();
    return instance_base() + "/" + key_of(cwd.data(), command);
}

Result<Instance> open_instance(const std::string& directory,
                               const std::vector<std::string>& command) {
    if (auto made = make_private_directory(directory); !made) return tl::unexpected(made.error());
    auto lock = LockFile::open(directory + "/" + flag::supervisor_lock_name);
    if (!lock) return tl::unexpected(lock.error());
    const auto held = lock->try_lock();
    if (!held) return tl::unexpected(held.error());
    if (!*held) {
        const LockRecord holder = lock->read();
        return fail(
            fmt::format("already running: pid {}, since {}: {}\n"
                        "to take over, start with --if-running replace, or end it first: kill {}",
                        holder.pid, since(holder.since), holder.command, holder.pid),
            EWOULDBLOCK);
    }
    auto uuid = instance_uuid(directory);
    if (!uuid) return tl::unexpected(uuid.error());
    record_cwd(directory);
    const LockRecord record{::getpid(), 0, ::time(nullptr), *uuid, join_command(command)};
    if (auto written = lock->write(record); !written) return tl::unexpected(written.error());
    return Instance{directory, *uuid, std::move(*lock)};
}

std::vector<pid_t> who_has_open(const std::string& path) {
    std::vector<pid_t> holders;
    struct stat wanted {};
    if (::stat(path.c_str(), &wanted) != 0) return holders;
    for (const pid_t pid : all_pids()) {
        if (pid == ::getpid()) continue;
        if (has_open(pid, [&](const std::string& entry) { return leads_to(entry, wanted); })) {
            holders.push_back(pid);
        }
    }
    return holders;
}

}  // namespace oneloop
