#include "common/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/flag.h"
#include "common/unique_fd.h"

namespace oneloop {
namespace {

// One datagram; 0 or errno. Not by sd_notify(3): that waits while the manager's queue is full, and
// a manager that hangs would hold up the stop of a worker; and it reads the address from the
// environment, which a program with threads can't change (setenv(3)).
int send_now(const std::string& address, const std::string& text, int descriptor) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (address.size() > sizeof to.sun_path) return ENAMETOOLONG;
    address.copy(to.sun_path, sizeof to.sun_path);
    if (address[0] == '@') {
        to.sun_path[0] = '\0';
    } else if (address[0] != '/') {
        return EAFNOSUPPORT;
    }
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return errno;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    iovec part{const_cast<char*>(text.data()), text.size()};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = size;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    if (descriptor >= 0) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    }
    return ::sendmsg(fd.get(), &message, MSG_NOSIGNAL) < 0 ? errno : 0;
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

std::string notify::keep(std::string_view name) {
    return "FDSTORE=1\nFDNAME=" + std::string(name);
}

std::string notify::forget(std::string_view name) {
    return "FDSTOREREMOVE=1\nFDNAME=" + std::string(name);
}

Result<void> tell(const ServiceManager& manager, const std::string& lines, int descriptor) {
    if (!manager.listens()) return {};
    const int error = send_now(manager.socket, lines, descriptor);
    if (error == EAGAIN) return fail("notify: the service manager does not read", EAGAIN);
    if (error != 0) return fail_errno("notify " + manager.socket, error);
    return {};
}

}  // namespace oneloop
