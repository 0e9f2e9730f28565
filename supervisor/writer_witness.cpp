#include "supervisor/writer_witness.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "common/read_text.h"
#include "supervisor/watch_tree.h"

namespace oneloop {
namespace {

constexpr std::size_t most_directories = 16;  // a descriptor each; fanotify has 128 per user
// Both queues are filled in one go by the same system call, but in no fixed order.
constexpr int longest_wait_ms = 20;
constexpr auto same_save = std::chrono::milliseconds(100);
constexpr std::uint64_t interesting =
    FAN_CREATE | FAN_CLOSE_WRITE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_DELETE | FAN_EVENT_ON_CHILD;

// proc(5): "pid (name) state ppid …"; the name may hold anything. -1: it has ended.
pid_t parent_of(pid_t pid) {
    const std::string text = read_text("/proc/" + std::to_string(pid) + "/stat");
    const auto close = text.rfind(')');
    if (close == std::string::npos || close + 4 >= text.size()) return -1;
    return static_cast<pid_t>(std::strtol(text.c_str() + close + 4, nullptr, 10));
}

// Our children are wardens, and orphans of the tree come to a warden or to us, so whatever descends
// from us may be the worker's. A process that ends while we climb leaves it open.
bool lives_elsewhere(pid_t pid) {
    const pid_t self = ::getpid();
    for (int steps = 0; steps < 1000; ++steps) {
        if (pid == self || pid < 0) return false;
        if (pid == 0) return steps > 0;  // as the writer: it has ended, or can't be seen from here
        if (pid == 1) return true;
        pid = parent_of(pid);
    }
    return false;
}

UniqueFd open_group(const std::string& directory) {
    // The last flag needs CAP_SYS_ADMIN, and so do the writers: others are told 0 for each.
    UniqueFd group(::fanotify_init(
        FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_MARKS,
        O_RDONLY));
    if (!group) return {};
    const int marked = ::fanotify_mark(group.get(), FAN_MARK_ADD | FAN_MARK_ONLYDIR, interesting,
                                       AT_FDCWD, directory.c_str());
    return marked == 0 ? std::move(group) : UniqueFd();
}

// fanotify(7): the directory's handle, then the name. Every group has one directory, so the name is
// enough.
std::string name_of(const fanotify_event_metadata& event) {
    fanotify_event_info_fid info{};
    const auto* at = reinterpret_cast<const char*>(&event) + event.metadata_len;
    const auto* const end = reinterpret_cast<const char*>(&event) + event.event_len;
    if (at + sizeof info + sizeof(file_handle) > end) return "";
    std::memcpy(&info, at, sizeof info);
    if (info.hdr.info_type != FAN_EVENT_INFO_TYPE_DFID_NAME) return "";
    file_handle handle{};
    std::memcpy(&handle, at + sizeof info, sizeof handle);
    const char* const name = at + sizeof info + sizeof handle + handle.handle_bytes;
    if (name >= end) return "";
    return {name, ::strnlen(name, static_cast<std::size_t>(end - name))};
}

}  // namespace

void WriterWitness::attend(const std::vector<std::string>& paths) {
    if (retired_.size() >= most_directories) close_retired();  // no worker came
    names_.clear();
    for (const auto& path : paths) {
        const std::string directory = parent_path(path);
        if (names_.size() < most_directories || names_.contains(directory)) {
            names_[directory].insert(last_name(path));
        }
    }
    for (auto it = directories_.begin(); it != directories_.end();) {
        if (names_.contains(it->first)) {
            ++it;
            continue;
        }
        retired_.push_back(std::move(it->second.group));
        it = directories_.erase(it);
    }
    for (const auto& [directory, names] : names_) {
        if (directories_.contains(directory)) continue;
        if (auto group = open_group(directory)) {
            directories_[directory].group = std::move(group);
        }
    }
}

void WriterWitness::close_retired() {
    retired_.clear();
}

bool WriterWitness::somebody_else(const std::string& path) {
    const auto found = directories_.find(parent_path(path));
    if (found == directories_.end()) return false;
    Directory& directory = found->second;
    const auto& names = names_.at(found->first);
    const std::string name = last_name(path);
    read_events(directory, names);
    const auto now = Steady::now();
    // A save is two or three events for inotify and one for fanotify, or the other way round.
    const auto known = [&] {
        const auto answer = directory.answers.find(name);
        return answer != directory.answers.end() && now - answer->second.at < same_save;
    };
    if (!known() && !directory.late) {
        pollfd readable{directory.group.get(), POLLIN, 0};
        (void)::poll(&readable, 1, longest_wait_ms);
        read_events(directory, names);
        directory.late = !known();
    }
    if (!known()) return false;
    directory.answers[name].given = true;
    return directory.answers[name].elsewhere;
}

void WriterWitness::read_events(Directory& directory, const std::set<std::string>& names) {
    alignas(fanotify_event_metadata) std::array<char, 16 * 1024> buffer{};
    for (;;) {
        ssize_t size = ::read(directory.group.get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return;
        const auto* event = reinterpret_cast<const fanotify_event_metadata*>(buffer.data());
        for (; FAN_EVENT_OK(event, size); event = FAN_EVENT_NEXT(event, size)) {
            if (event->vers != FANOTIFY_METADATA_VERSION) return;
            const std::string name = name_of(*event);
            if (!names.contains(name)) continue;
            const bool elsewhere = lives_elsewhere(event->pid);
            Answer& answer = directory.answers[name];
            if (answer.given) answer = {};
            answer.elsewhere = answer.elsewhere && elsewhere;
            answer.at = Steady::now();
        }
    }
}

}  // namespace oneloop
