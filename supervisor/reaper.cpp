#include "supervisor/reaper.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

namespace oneloop {

Reaper::Reaper(boost::asio::io_context& io, std::function<bool(pid_t)> is_ours,
               std::function<void(pid_t)> buried)
    : signals_(io), is_ours_(std::move(is_ours)), buried_(std::move(buried)) {}

void Reaper::listen() {
    if (boost::system::error_code error; signals_.add(SIGCHLD, error), error) return;
    wait();
    look();  // who died before we listened
}

void Reaper::wait() {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
        if (error) return;
        wait();
        look();
    });
}

void Reaper::look() {
    for (;;) {
        siginfo_t info{};
        // WNOWAIT: a look only, for the warden's end is the business of its handle.
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) {
            if (errno == EINTR) continue;
            return;
        }
        if (info.si_pid == 0 || is_ours_(info.si_pid)) return;
        if (::waitpid(info.si_pid, nullptr, WNOHANG | __WALL) == info.si_pid) buried_(info.si_pid);
    }
}

}  // namespace oneloop
