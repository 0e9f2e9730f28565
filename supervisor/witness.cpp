#include "supervisor/witness.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>

#include "supervisor/process_table.h"

namespace oneloop {
namespace {

struct Name {
    sockaddr_un address{};
    socklen_t size = 0;
};

// sun_path holds 108 bytes, the first a NUL for an abstract name. A long directory is told apart by
// its end, which is the instance's key, and its length.
Name name_of(const std::string& directory) {
    const std::string real = std::filesystem::weakly_canonical(directory).string();
    // Containers that share the machine's network have roots of their own, and instances of their
    // own.
    struct stat root {};
    (void)!::stat("/", &root);
    std::string text = "oneloop/" + std::to_string(::geteuid()) + "/" +
                       std::to_string(root.st_dev) + "." + std::to_string(root.st_ino) + "/";
    constexpr std::size_t room = sizeof(sockaddr_un::sun_path) - 1;
    if (text.size() + real.size() > room) {
        text += std::to_string(real.size()) + ":";
        text += real.substr(real.size() - (room - text.size()));
    } else {
        text += real;
    }
    Name name;
    name.address.sun_family = AF_UNIX;
    std::memcpy(name.address.sun_path + 1, text.data(), text.size());
    name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    return name;
}

const sockaddr* generic(const Name& name) {
    return reinterpret_cast<const sockaddr*>(&name.address);
}

// Who listens under the name: SO_PEERCRED of a connection is the listener's (unix(7)). pid 0:
// nobody any more.
ucred holder_of(const Name& name) {
    ucred holder{0, 0, 0};
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || ::connect(fd.get(), generic(name), name.size) != 0) return holder;
    socklen_t size = sizeof holder;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &holder, &size) != 0) holder.pid = 0;
    return holder;
}

// A zombie is dead: it has closed everything. What can't be seen from here counts as living.
bool is_dead(pid_t pid) {
    if (pid <= 0) return false;
    const auto record = read_process(pid, {});
    return !record || record->state == 'Z' || record->state == 'X';
}

}  // namespace

Result<UniqueFd> take_witness(const std::string& directory, std::chrono::milliseconds patience) {
    const Name name = name_of(directory);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    ucred holder{0, 0, 0};
    for (;;) {
        UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (!fd) return fail_errno("socket");
        if (::bind(fd.get(), generic(name), name.size) == 0) {
            // A connection is enough to ask who we are. None is ever accepted: each newcomer asks
            // once.
            if (::listen(fd.get(), SOMAXCONN) != 0) return fail_errno("listen");
            return fd;
        }
        if (errno != EADDRINUSE) return fail_errno("bind an abstract socket");
        if (holder.pid == 0) holder = holder_of(name);
        if (holder.pid > 0 && holder.uid != ::geteuid() && holder.uid != 0) return UniqueFd{};
        if (std::chrono::steady_clock::now() >= deadline) {
            if (is_dead(holder.pid)) {
                return fail(
                    "what an earlier run left keeps this instance (its warden: see ps -C warden)",
                    ESTALE);
            }
            const std::string pid = std::to_string(holder.pid);
            return fail("already running: pid " + pid + " keeps this instance, though " +
                            directory +
                            " does not say so (were its files deleted?)\n"
                            "to take over, end it first: kill " +
                            pid,
                        EADDRINUSE);
        }
        ::poll(nullptr, 0, 2);
    }
}

}  // namespace oneloop
