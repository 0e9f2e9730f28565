#include "supervisor/takeover.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

#include "common/flag.h"
#include "common/open_files.h"
#include "common/read_text.h"
#include "supervisor/process_table.h"
#include "supervisor/worker_cgroup.h"

namespace oneloop {
namespace {

using std::chrono::milliseconds;

// Who looks is not looked at.
std::vector<pid_t> other_pids() {
    auto pids = all_pids();
    std::erase(pids, ::getpid());
    return pids;
}

// The pid that took the flock of this description, or none when it holds none. The line reads
// "lock:\t1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF".
std::optional<pid_t> flock_of(pid_t pid, const std::string& fd) {
    std::ifstream file(fmt::format("/proc/{}/fdinfo/{}", pid, fd));
    std::string line;
    while (std::getline(file, line)) {
        if (!line.starts_with("lock:")) continue;
        std::istringstream words(line);
        std::string label, number, kind, advisory, mode;
        pid_t taker = 0;
        if (words >> label >> number >> kind >> advisory >> mode >> taker && kind == "FLOCK") {
            return taker;
        }
    }
    return std::nullopt;
}

bool keeps(pid_t pid, const struct stat& wanted, pid_t taken_by) {
    return has_open(pid, [&](const std::string& entry) {
        if (!leads_to(entry, wanted)) return false;
        const auto taker = flock_of(pid, entry.substr(entry.rfind('/') + 1));
        return taker && (taken_by == 0 || *taker == taken_by);
    });
}

bool carries(pid_t pid, const std::string& uuid) {
    const std::string text = read_text(fmt::format("/proc/{}/environ", pid));
    const std::string tag = fmt::format("{}={}", flag::instance, uuid);
    return text.starts_with(tag) || text.find('\0' + tag) != std::string::npos;
}

std::vector<pid_t> ancestors() {
    std::vector<pid_t> chain;
    for (int pid = ::getppid(); pid > 1;) {
        chain.push_back(pid);
        const auto record = read_process(pid, {});
        if (!record) break;
        pid = record->parent;
    }
    return chain;
}

// Tried by a description of its own, released at once. What can be had is kept by nobody.
bool is_free(const std::string& path) {
    auto lock = LockFile::open(path);
    if (!lock) return false;
    const auto had = lock->try_lock();
    return had && *had;
}

std::vector<ProcessRecord> leftovers_of(const Instance& instance) {
    const std::string path = instance.directory + "/" + flag::worker_lock_name;
    struct stat lock {};
    // As a rule it is free, which saves the look at every descriptor of every process.
    const bool kept = ::stat(path.c_str(), &lock) == 0 && !is_free(path);
    const pid_t warden = parse_record(read_text(path)).pid;
    const auto above = ancestors();  // whoever starts us is not a leftover, even from a worker
    std::vector<ProcessRecord> found;
    for (const pid_t pid : other_pids()) {
        if (std::find(above.begin(), above.end(), pid) != above.end()) continue;
        if (!carries(pid, instance.uuid) && !in_cgroup_of(pid, instance.uuid) &&
            !(kept && warden > 0 && keeps(pid, lock, warden))) {
            continue;
        }
        auto record = read_process(pid, {});
        if (record && record->state != 'Z') found.push_back(std::move(*record));
    }
    return found;
}

bool is_warden(const ProcessRecord& process) {
    return !process.arguments.empty() && process.arguments[0] == "oneloop-warden";
}

}  // namespace

std::vector<ProcessRecord> lock_keepers(const std::string& path, pid_t taken_by) {
    std::vector<ProcessRecord> found;
    struct stat wanted {};
    if (::stat(path.c_str(), &wanted) != 0) return found;
    for (const pid_t pid : other_pids()) {
        if (!keeps(pid, wanted, taken_by)) continue;
        if (auto record = read_process(pid, {})) found.push_back(std::move(*record));
    }
    return found;
}

std::vector<EndResult> end_leftovers(const Instance& instance) {
    auto found = leftovers_of(instance);
    // A warden whose supervisor has just been killed is ending its tree, which takes it
    // milliseconds.
    for (int waited = 0; waited < 500; waited += 5) {
        if (std::none_of(found.begin(), found.end(), is_warden)) break;
        ::poll(nullptr, 0, 5);
        found = leftovers_of(instance);
    }
    if (found.empty()) return {};
    return end_processes(found, std::chrono::seconds(2));
}

std::string describe_leftovers(const std::vector<EndResult>& results) {
    std::string list;
    for (const auto& result : results) {
        list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", result.pid,
                            result.reason.empty() ? describe(result.outcome) : result.reason);
    }
    return fmt::format("{} {} of an earlier run: {}", results.size(),
                       results.size() == 1 ? "process was left" : "processes were left", list);
}

std::vector<EndResult> end_holder(const std::string& directory, milliseconds patience) {
    return end_processes(lock_keepers(directory + "/" + flag::supervisor_lock_name), patience);
}

void wait_for_lock(const std::string& directory, milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < deadline) {
        auto lock = LockFile::open(directory + "/" + flag::supervisor_lock_name);
        if (!lock) return;  // whoever opens it next says why
        const auto held = lock->try_lock();
        if (!held || *held) return;
        ::poll(nullptr, 0, 20);
    }
}

}  // namespace oneloop
