#include "supervisor/remote.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "common/flag.h"
#include "supervisor/control_address.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;

// A supervisor answers within a millisecond; one that is stopped never does.
constexpr auto patience = std::chrono::seconds(3);

}  // namespace

bool wait_readable(int fd, std::optional<SteadyTime> deadline) {
    for (;;) {
        int limit = -1;
        if (deadline) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(*deadline - Steady::now()).count();
            limit = static_cast<int>(std::max<decltype(left)>(left, 0));
        }
        pollfd wanted{fd, POLLIN, 0};
        const int ready = ::poll(&wanted, 1, limit);
        if (ready > 0) return true;
        if (ready == 0) return false;
        if (errno != EINTR) return false;
    }
}

Result<Remote> Remote::connect(const std::string& directory) {
    const UniqueFd place(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!place) return fail_errno("open " + directory);
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno("socket");
    const sockaddr_un address = control_address(directory, place.get());
    // A full queue would block for ever when the supervisor is stopped: unix(7).
    const timeval limit{patience.count(), 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return fail_errno("connect " + directory + "/" + control::socket_name);
    }
    ucred peer{};
    socklen_t size = sizeof peer;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
    // It answers after this, so it is alive after this and the pid is its own.
    UniqueFd process;
    if (peer.pid > 0) {
        process.reset(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
        if (process) set_cloexec(process.get(), true);
    }
    return Remote(directory, std::move(socket), peer.pid, std::move(process));
}

Result<control::Reply> Remote::ask(control::Request request) {
    const std::string line = control::format_request(request);
    if (::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(line.size())) {
        return fail_errno("ask the supervisor");
    }
    std::string answer;
    const auto deadline = Steady::now() + patience;
    while (answer.find('\n') == std::string::npos) {
        if (answer.size() > 4 * control::longest_line) return fail("the answer does not end");
        if (!wait_readable(socket_.get(), deadline)) {
            return fail("supervisor " + std::to_string(pid_) +
                            " does not answer (stopped? kill -CONT " + std::to_string(pid_) + ")",
                        ETIMEDOUT);
        }
        std::array<char, 4096> chunk{};
        const ssize_t size = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return fail_errno("read the answer");
        if (size == 0) return fail("the supervisor ended before it answered", ECONNRESET);
        answer.append(chunk.data(), static_cast<std::size_t>(size));
    }
    return control::parse_reply(answer.substr(0, answer.find('\n')));
}

bool Remote::wait_gone(std::optional<std::chrono::milliseconds> limit) {
    std::optional<SteadyTime> deadline;
    if (limit) deadline = Steady::now() + *limit;
    if (process_) return wait_readable(process_.get(), deadline);
    // In another PID namespace: it closes the connection when it ends, at the latest.
    std::array<char, 64> rest{};
    for (;;) {
        if (!wait_readable(socket_.get(), deadline)) return false;
        if (::recv(socket_.get(), rest.data(), rest.size(), 0) <= 0) return true;
    }
}

std::vector<std::string> instance_directories(const std::string& place) {
    const auto is_instance = [](const fs::path& path) {
        struct stat info {};
        const auto lock = path / flag::supervisor_lock_name;
        return ::lstat(lock.c_str(), &info) == 0 && S_ISREG(info.st_mode);
    };
    if (is_instance(place)) return {place};
    std::vector<std::string> result;
    std::error_code error;
    for (fs::directory_iterator entry(place, error), end; !error && entry != end;
         entry.increment(error)) {
        if (is_instance(entry->path())) result.push_back(entry->path().string());
    }
    std::sort(result.begin(), result.end());
    return result;
}

std::vector<Found> find_live(const std::string& place) {
    std::vector<Found> result;
    for (const auto& directory : instance_directories(place)) {
        auto remote = Remote::connect(directory);
        if (!remote) {
            // Dead ones leave their socket behind, and it refuses.
            continue;
        }
        auto reply = remote->ask(control::Request::status);
        Found found{std::move(*remote), std::nullopt, ""};
        if (!reply) {
            found.trouble = reply.error().what;
        } else if (!reply->ok || !reply->status) {
            found.trouble = reply->error.empty() ? "an answer without a status" : reply->error;
        } else {
            found.status = std::move(*reply->status);
        }
        result.push_back(std::move(found));
    }
    return result;
}

}  // namespace oneloop
