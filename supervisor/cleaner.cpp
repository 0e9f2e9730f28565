#include "supervisor/cleaner.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>

#include "common/flag.h"
#include "common/lock_file.h"
#include "supervisor/control_protocol.h"
#include "supervisor/instance.h"
#include "supervisor/notify_socket.h"
#include "supervisor/worker_cgroup.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;

constexpr auto unused_for = std::chrono::hours(24 * 30);
constexpr const char* leaving = ".cleaning-";  // in the name of a directory on its way out

bool is_ours(const std::string& name) {
    constexpr std::array<const char*, 7> names = {
        flag::supervisor_lock_name, flag::worker_lock_name, control::socket_name,
        NotifySocket::name,         instance_uuid_name,     instance_cwd_name,
        cgroup_record_name};
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Somebody may have named a directory of his own with --state-dir.
std::optional<std::string> foreign_entry(const std::string& directory) {
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (!is_ours(name)) return name;
    }
    return std::nullopt;
}

// Both lock files are written at each start.
std::optional<WallTime> last_used(const std::string& directory) {
    std::optional<WallTime> result;
    for (const char* name : {flag::supervisor_lock_name, flag::worker_lock_name}) {
        struct stat info {};
        if (::stat((directory + "/" + name).c_str(), &info) != 0) continue;
        const auto time = Wall::from_time_t(info.st_mtime);
        if (!result || *result < time) result = time;
    }
    return result;
}

// The directory's path without what an earlier clean, that was killed, appended to it.
std::string original_path(const std::string& directory) {
    const auto name = directory.rfind('/') + 1;
    return directory.substr(0, directory.find(leaving, name));
}

// None: it is still of use.
std::optional<std::string> why_remove(const std::string& directory, WallTime now) {
    if (original_path(directory) != directory) return "left over by an earlier clean";
    const std::string cwd = recorded_cwd(directory);
    struct stat info {};
    // Only what is surely gone: a directory that can't be looked at may be there.
    if (!cwd.empty() && ::stat(cwd.c_str(), &info) != 0 && errno == ENOENT) {
        return cwd + " no longer exists";
    }
    const auto used = last_used(directory);
    if (used && now - *used > unused_for) return "not used for 30 days";
    return std::nullopt;
}

Result<LockFile> take(const std::string& path) {
    auto lock = LockFile::open(path);
    if (!lock) return lock;
    const auto held = lock->try_lock();
    if (!held) return tl::unexpected(held.error());
    if (!*held) return fail("in use by pid " + std::to_string(lock->read().pid), EWOULDBLOCK);
    return lock;
}

std::string last_error() {
    return std::error_code(errno, std::generic_category()).message();
}

// None: it came into use while we looked.
std::optional<Cleaned> clean_one(const std::string& directory, WallTime now) {
    Cleaned result{directory, false, ""};
    if (const auto foreign = foreign_entry(directory)) {
        result.reason = "has a file that is not ours: " + *foreign;
        return result;
    }
    auto supervisor = take(directory + "/" + flag::supervisor_lock_name);
    if (!supervisor) {
        result.reason = supervisor.error().what;
        return result;
    }
    const auto worker = take(directory + "/" + flag::worker_lock_name);
    if (!worker) {
        result.reason = worker.error().what;
        return result;
    }
    const auto reason = why_remove(directory, now);
    if (!reason) return std::nullopt;
    // Whoever starts at this moment is told by whom it is held.
    const LockRecord before = supervisor->read();
    (void)supervisor->write(
        {::getpid(), 0, Wall::to_time_t(now), before.instance, "supervisor clean (start again)"});
    const std::string away = original_path(directory) + leaving + std::to_string(::getpid());
    if (directory != away && ::rename(directory.c_str(), away.c_str()) != 0) {
        result.reason = "rename: " + last_error();
        (void)supervisor->write(before);
        return result;
    }
    // From here on no path leads to the locks that we hold.
    for (const char* name :
         {control::socket_name, NotifySocket::name, instance_uuid_name, instance_cwd_name,
          cgroup_record_name, flag::worker_lock_name, flag::supervisor_lock_name}) {
        ::unlink((away + "/" + name).c_str());
    }
    result.removed = ::rmdir(away.c_str()) == 0;
    result.reason = result.removed ? *reason : "rmdir: " + last_error();
    return result;
}

}  // namespace

std::vector<Cleaned> clean_instances(const std::vector<std::string>& directories, WallTime now) {
    std::vector<Cleaned> result;
    for (const auto& directory : directories) {
        if (!why_remove(directory, now)) continue;
        if (auto cleaned = clean_one(directory, now)) result.push_back(std::move(*cleaned));
    }
    return result;
}

}  // namespace oneloop
