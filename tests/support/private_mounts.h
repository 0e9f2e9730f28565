// private_mounts: what a test mounts from here on only the test and what it starts can see, and it
// is gone with them.
#pragma once

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace oneloop::test {

// For a process with one thread. Returns why it can't be had; "" when it can.
inline std::string private_mounts() {
    if (::geteuid() != 0) return "needs root to mount something";
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        return std::string("no mount namespace: ") + std::strerror(errno);
    }
    return "";
}

}  // namespace oneloop::test
