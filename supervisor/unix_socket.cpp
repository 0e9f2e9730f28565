#include "supervisor/unix_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>

#include "common/clock.h"
#include "common/port_holder.h"

namespace oneloop {
namespace {

using std::chrono::milliseconds;

constexpr auto lock_patience = milliseconds(2000);

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);  // zeroed, so it ends
    return address;
}

bool is_socket(const std::string& path) {
    struct stat file {};
    return ::lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode);
}

// connect(2): ECONNREFUSED is the kernel's word that nobody listens. A full backlog (EAGAIN) and a
// socket of another kind (EPROTOTYPE) have an owner, and what we may not look at (EACCES) may have.
bool is_dead(const std::string& path) {
    const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_un address = address_of(path);
    return probe &&
           ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
               0 &&
           errno == ECONNREFUSED;
}

// From the look at a path to the listen(2) there. Between bind(2) and listen(2) a live socket looks
// dead, so whoever binds needs it too.
Result<UniqueFd> lock_directory_of(const std::string& path) {
    const std::string directory = std::filesystem::path(path).parent_path().string();
    UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return fail_errno("open " + directory);
    const auto deadline = Steady::now() + lock_patience;
    while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("flock " + directory);
        if (Steady::now() >= deadline) {
            return fail("flock " + directory + ": somebody keeps the directory locked",
                        EWOULDBLOCK);
        }
        ::poll(nullptr, 0, 5);
    }
    return fd;
}

}  // namespace

Result<UniqueFd> listen_at(const std::string& path) {
    const auto failed = [&](int error, const std::string& more = "") {
        return fail(fmt::format("cannot listen on unix:{}: {}{}", path, std::strerror(error), more),
                    error);
    };
    const auto lock = lock_directory_of(path);
    if (!lock) {
        return fail(fmt::format("cannot listen on unix:{}: {}", path, lock.error().what),
                    lock.error().code);
    }
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return failed(errno);
    const sockaddr_un address = address_of(path);
    const auto bind = [&] {
        return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    };
    if (!bind()) {
        if (errno != EADDRINUSE) return failed(errno);
        if (!is_socket(path)) return failed(EEXIST, ", and it is no socket");
        if (!is_dead(path)) return failed(EADDRINUSE, describe_path_holder(path));
        if (::unlink(path.c_str()) != 0 || !bind()) {
            return failed(errno, " (left by a process that is dead)");
        }
    }
    if (::listen(fd.get(), SOMAXCONN) != 0) return failed(errno);
    return fd;
}

void remove_if_unused(const std::string& path) {
    const auto lock = lock_directory_of(path);
    if (lock && is_socket(path) && is_dead(path)) ::unlink(path.c_str());
}

}  // namespace oneloop
