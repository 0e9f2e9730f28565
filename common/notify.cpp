#include "common/notify.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "common/flag.h"
#include "common/unique_fd.h"

namespace oneloop {
namespace {

// sd_notify(3) waits while the manager's queue is full, and a manager that hangs would hold up the
// stop of a worker. So look first: for a connected datagram socket poll(2) knows the peer's queue.
// True when it can't be known either: then sd_notify says what is wrong.
bool has_room(const std::string& address) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (address.size() > sizeof to.sun_path) return true;
    address.copy(to.sun_path, sizeof to.sun_path);
    if (address[0] == '@') {
        to.sun_path[0] = '\0';
    } else if (address[0] != '/') {
        return true;
    }
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), size) != 0) return true;
    pollfd writable{fd.get(), POLLOUT, 0};
    return ::poll(&writable, 1, 0) == 1;
}

}  // namespace

ServiceManager find_service_manager() {
    ServiceManager manager;
    const char* socket = std::getenv(flag::notify_socket);
    if (!socket || !*socket) return manager;
    manager.socket = socket;
    std::uint64_t usec = 0;
    if (::sd_watchdog_enabled(0, &usec) > 0) {
        constexpr std::uint64_t longest = 1'000'000ULL * 86'400 * 365;
        manager.watchdog = std::chrono::microseconds(std::min(usec, longest));
    }
    return manager;
}

std::string notify::reloading(SteadyTime now) {
    const auto usec =
        std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
    return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec);
}

std::string notify::status(std::string_view text) {
    std::string line = "STATUS=" + std::string(text);
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
}

Result<void> tell(const ServiceManager& manager, const std::string& lines) {
    if (!manager.listens()) return {};
    if (!has_room(manager.socket))
        return fail("sd_notify: the service manager does not read", EAGAIN);
    ::setenv(flag::notify_socket, manager.socket.c_str(), 1);
    const int result = ::sd_notify(1, lines.c_str());  // 1: removes NOTIFY_SOCKET afterwards
    if (result < 0) return fail_errno("sd_notify " + manager.socket, -result);
    return {};
}

}  // namespace oneloop
