#include "supervisor/warden_start.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <system_error>

namespace oneloop {
namespace {

// Throws with the errno of this very call.
UniqueFd need(int fd, const std::string& what) {
    const int error = errno;
    if (fd < 0) throw std::system_error(error, std::system_category(), what);
    return UniqueFd(fd);
}

// Readable when the process has ended, also where the kernel reaps it (ChildSetup::autokill).
bool ended(const UniqueFd& pidfd, int timeout_ms) {
    pollfd fd{pidfd.get(), POLLIN, 0};
    int got = 0;
    do {
        got = ::poll(&fd, 1, timeout_ms);
    } while (got < 0 && errno == EINTR);
    return got > 0;
}

// All zero when it can't be known.
struct stat working_directory() {
    struct stat here {};
    if (::stat(".", &here) != 0) here = {};
    return here;
}

}  // namespace

WardenStart::WardenStart(const ChildSetup& setup, Family& family)
    : setup_(setup),
      family_(family),
      warden_(
          need(::open(setup.warden_path.c_str(), O_PATH | O_CLOEXEC), "open " + setup.warden_path)),
      self_(need(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)), "pidfd_open")),
      proc_(need(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open /proc")) {
    set_cloexec(self_.get(), true);
}

WardenStart::~WardenStart() {
    drop();
}

Handing WardenStart::handing() const {
    return setup_.handing ? setup_.handing() : Handing::none;
}

Result<WardenStart::Ready> WardenStart::begin(Handing handing) const {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0)
        return fail_errno("socketpair");
    UniqueFd ours(pair[0]);
    const UniqueFd theirs(pair[1]);

    LaunchRequest request;
    request.executable = warden_.get();
    request.arguments = {"oneloop-warden",
                         std::to_string(setup_.sockets.size()),
                         setup_.instance,
                         setup_.state_directory.empty() ? warden_no_lock : setup_.state_directory,
                         handing_names[static_cast<std::size_t>(handing)],
                         setup_.cgroup >= 0 ? setup_.cgroup_path : no_cgroup};
    request.keep_stdin = setup_.keep_stdin;
    request.isolation = setup_.isolation;
    request.autokill = setup_.autokill;
    request.arguments.insert(request.arguments.end(), setup_.command.begin(), setup_.command.end());
    request.environment = setup_.environment;
    request.descriptors = setup_.sockets;
    request.descriptors.push_back(theirs.get());
    request.descriptors.push_back(self_.get());
    request.descriptors.push_back(proc_.get());
    if (setup_.cgroup >= 0) request.descriptors.push_back(setup_.cgroup);
    if (setup_.witness >= 0) request.descriptors.push_back(setup_.witness);
    auto launching = begin_launch(request);
    if (!launching) return tl::unexpected(std::move(launching).error());
    const struct stat here = working_directory();
    return Ready{std::move(*launching), std::move(ours), here.st_dev, here.st_ino};
}

bool WardenStart::usable(Handing handing) const {
    // Deleted and made again, or mounted over: then we went there meanwhile, and it is in the other
    // one, whose inode lives as long as somebody is in it.
    const struct stat here = working_directory();
    return handing == Handing::none && here.st_dev == ready_->device &&
           here.st_ino == ready_->inode && !ended(ready_->launching.child.pidfd, 0);
}

void WardenStart::prepare() {
    if (ready_ || handing() != Handing::none) return;
    auto made = begin(Handing::none);
    if (!made) return;
    // At once: what is not in the family is taken for an orphan and ended.
    family_.add_warden(made->launching.child.pid);
    ready_.emplace(std::move(*made));
}

void WardenStart::drop() {
    if (!ready_) return;
    const Launched& child = ready_->launching.child;
    // Not by its number: where the kernel reaps it, that may be somebody else's by now.
    ::syscall(SYS_pidfd_send_signal, child.pidfd.get(), SIGKILL, nullptr, 0);
    ended(child.pidfd, -1);
    if (!setup_.autokill) ::waitpid(child.pid, nullptr, __WALL);
    family_.remove_warden(child.pid);
    ready_.reset();
}

Result<StartedWarden> WardenStart::start() {
    const Handing now = handing();
    if (ready_ && !usable(now)) drop();
    if (!ready_) {
        auto made = begin(now);
        if (!made) return tl::unexpected(std::move(made).error());
        family_.add_warden(made->launching.child.pid);
        ready_.emplace(std::move(*made));
    }
    Ready ready = std::move(*ready_);
    ready_.reset();
    const pid_t pid = ready.launching.child.pid;
    auto launched = finish_launch(std::move(ready.launching));
    if (!launched) {
        family_.remove_warden(pid);
        return tl::unexpected(std::move(launched).error());
    }
    const WardenOrder begin{.kind = WardenOrder::Kind::begin};
    // Nothing is in the socket yet; a warden that is gone is noticed through its pidfd.
    (void)!::send(ready.control.get(), &begin, sizeof begin, MSG_NOSIGNAL | MSG_DONTWAIT);
    // Somebody may have stopped it while it waited.
    ::syscall(SYS_pidfd_send_signal, launched->pidfd.get(), SIGCONT, nullptr, 0);
    return StartedWarden{pid, std::move(launched->pidfd), std::move(ready.control)};
}

}  // namespace oneloop
