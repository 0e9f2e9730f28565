#include "tests/support/frozen_disk.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "tests/support/private_mounts.h"

namespace oneloop::test {
namespace {

constexpr int longest_freeze_ms = 120'000;

void unfreeze(int root) {
    ::ioctl(root, FITHAW, 0);
}

}  // namespace

FrozenDisk::FrozenDisk(const std::string& directory) : mounted_(directory + "/disk") {
    problem_ = private_mounts();
    if (!problem_.empty()) return;
    ::mkdir(mounted_.c_str(), 0700);
    const std::string image = directory + "/disk.img";
    const std::string command = "truncate -s 16M " + image + " && mkfs.ext4 -q -F " + image +
                                " && mount -o loop " + image + " " + mounted_;
    if (std::system(command.c_str()) != 0) {
        problem_ = "no loop device or no mkfs.ext4";
        return;
    }
    root_.reset(::open(mounted_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    guard();
}

// A process of its own, and nobody's child, so that it is not killed along with the test.
void FrozenDisk::guard() {
    std::array<int, 2> alive{};
    std::array<int, 2> guarded{};
    if (::pipe2(alive.data(), O_CLOEXEC) != 0 || ::pipe2(guarded.data(), O_CLOEXEC) != 0) {
        problem_ = "no pipe";
        ::umount2(mounted_.c_str(), MNT_DETACH);
        return;
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::setsid();
        if (::fork() != 0) ::_exit(0);
        ::close(alive[1]);
        ::close(guarded[0]);
        pollfd end{alive[0], POLLIN, 0};
        ::poll(&end, 1, longest_freeze_ms);
        unfreeze(root_.get());
        ::close(root_.get());
        ::umount2(mounted_.c_str(), MNT_DETACH);
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    ::close(alive[0]);
    ::close(guarded[1]);
    alive_.reset(alive[1]);
    guarded_.reset(guarded[0]);
}

FrozenDisk::~FrozenDisk() {
    if (!alive_) return;
    thaw();
    root_.reset();
    alive_.reset();
    pollfd end{guarded_.get(), POLLIN, 0};
    ::poll(&end, 1, 10'000);
}

bool FrozenDisk::freeze() const {
    return ::ioctl(root_.get(), FIFREEZE, 0) == 0;
}

void FrozenDisk::thaw() const {
    unfreeze(root_.get());
}

}  // namespace oneloop::test
