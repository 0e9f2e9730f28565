#include "worker/permit.h"

#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "common/flag.h"
#include "common/read_text.h"
#include "worker/text.h"

namespace oneloop::worker {
namespace {

// In the machine's own zone: this is about a process, not about a cinema.
std::string local_stamp(std::int64_t seconds) {
    const time_t time = seconds;
    tm fields{};
    std::array<char, 32> text{};
    if (!::localtime_r(&time, &fields)) return "?";
    const auto size = ::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &fields);
    return {text.data(), size};
}

}  // namespace

std::string own_command() {
    std::string command = read_text("/proc/self/cmdline");
    while (!command.empty() && command.back() == '\0')
        command.pop_back();
    for (char& c : command) {
        if (c == '\0') c = ' ';
    }
    return one_line(command);
}

Permit::Permit(std::optional<LockFile> worker_lock, LockFile job_lock)
    : worker_lock_(std::move(worker_lock)), job_lock_(std::move(job_lock)) {}

LockRecord Permit::self() const {
    LockRecord record;
    record.pid = flag::machine_pid();
    record.since = ::time(nullptr);
    record.command = own_command();
    if (worker_lock_) {
        const LockRecord of_worker = worker_lock_->read();
        record.instance = of_worker.instance;
        record.generation = of_worker.generation;
    }
    return record;
}

Result<bool> Permit::try_take() {
    auto taken = job_lock_.try_lock();
    if (!taken || !*taken) return taken;
    standby_.reset();
    // The record is for people: without it (a full disk) the lock is as good.
    (void)job_lock_.write(self());
    return true;
}

void Permit::stand_by() {
    if (standby_) return;
    // For people too: who can't be listed waits all the same.
    constexpr std::string_view end = ".lock";
    const std::string& lock = job_lock_.path();
    auto listed = Standby::announce(lock.substr(0, lock.size() - end.size()), self());
    if (listed) standby_.emplace(std::move(*listed));
}

std::string Permit::holder() const {
    const LockRecord record = job_lock_.read();
    if (record.pid == 0) return "an unknown process";
    std::string text = "pid " + std::to_string(record.pid);
    if (!record.command.empty()) text += " (" + record.command + ")";
    text += ", since " + local_stamp(record.since);
    // Under a supervisor the pid may be one of a PID namespace, which nobody outside can find.
    if (!record.instance.empty()) {
        text += ", generation " + std::to_string(record.generation) +
                " of the supervisor's instance " + record.instance;
    }
    return text;
}

std::string Permit::lost() const {
    if (worker_lock_ && !worker_lock_->is_current()) {
        return worker_lock_->path() + " was deleted or replaced";
    }
    if (!job_lock_.is_current()) return job_lock_.path() + " was deleted or replaced";
    return {};
}

}  // namespace oneloop::worker
