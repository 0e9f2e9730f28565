#include "supervisor/control_address.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/control_protocol.h"

namespace oneloop {

sockaddr_un control_address(const std::string& directory, int fd) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string path = directory + "/" + control::socket_name;
    if (path.size() >= sizeof address.sun_path) {
        path = "/proc/self/fd/" + std::to_string(fd) + "/" + control::socket_name;
    }
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

Result<UniqueFd> listen_for_control(const std::string& directory, int fd) {
    const std::string path = directory + "/" + control::socket_name;
    struct stat found {};
    if (::fstatat(fd, control::socket_name, &found, AT_SYMLINK_NOFOLLOW) == 0) {
        if (!S_ISSOCK(found.st_mode)) return fail(path + ": is in the way, not a socket", EEXIST);
        if (::unlinkat(fd, control::socket_name, 0) != 0) return fail_errno("unlink " + path);
    }
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail_errno("socket");
    const sockaddr_un address = control_address(directory, fd);
    // The socket file gets its mode at bind(2), so that there is no moment at which it is open to
    // others. One thread: nobody else creates files meanwhile.
    const mode_t before = ::umask(0177);
    const int result =
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    ::umask(before);
    if (result != 0) return fail_errno("bind " + path, error);
    if (::listen(socket.get(), SOMAXCONN) != 0) {
        const int why = errno;
        ::unlinkat(fd, control::socket_name, 0);
        return fail_errno("listen " + path, why);
    }
    return socket;
}

}  // namespace oneloop
