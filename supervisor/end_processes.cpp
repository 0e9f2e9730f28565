#include "supervisor/end_processes.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/unique_fd.h"
#include "supervisor/process_table.h"

namespace oneloop {
namespace {

using Clock = std::chrono::steady_clock;
using Outcome = EndResult::Outcome;

// What was killed is gone in milliseconds, or it hangs in the kernel and no wait helps.
constexpr std::chrono::milliseconds kill_patience{3000};

struct Target {
    UniqueFd pidfd;  // none: nothing (more) to do
    EndResult result;
};

bool send(const UniqueFd& pidfd, int signal) {
    return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

Target aim(const ProcessRecord& listed) {
    Target target;
    target.result = {listed.pid, Outcome::already_gone, ""};
    UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, listed.pid, 0)));
    if (!pidfd) {
        if (errno != ESRCH) {
            target.result = {listed.pid, Outcome::refused,
                             std::string("pidfd_open: ") + std::strerror(errno)};
        }
        return target;
    }
    const auto now = read_process(listed.pid, {});
    // Signal 0 after reading: had the process that we hold been gone, we might have read another's.
    if (!send(pidfd, 0)) {
        if (errno != ESRCH) {
            target.result = {listed.pid, Outcome::refused, std::strerror(errno)};
        }
        return target;
    }
    if (!now || now->state == 'Z') return target;
    if (const auto why = why_not_same(listed, *now)) {
        target.result = {listed.pid, Outcome::refused, *why};
        return target;
    }
    target.pidfd = std::move(pidfd);
    return target;
}

// Until all are gone or `limit` has passed; those that are gone get `outcome`.
void wait_for(std::vector<Target>& targets, std::chrono::milliseconds limit, Outcome outcome) {
    const auto deadline = Clock::now() + limit;
    for (;;) {
        std::vector<pollfd> waiting;
        for (auto& target : targets) {
            if (!target.pidfd) continue;
            pollfd one{target.pidfd.get(), POLLIN, 0};  // pidfd_open(2): readable when it ended
            if (::poll(&one, 1, 0) > 0) {
                target.result.outcome = outcome;
                target.pidfd.reset();
            } else {
                waiting.push_back(one);
            }
        }
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (waiting.empty() || left <= 0) return;
        ::poll(waiting.data(), waiting.size(), static_cast<int>(left));
    }
}

}  // namespace

std::vector<EndResult> end_processes(const std::vector<ProcessRecord>& listed,
                                     std::chrono::milliseconds patience) {
    // All are held before the first is signalled: the end of one may be the end of another.
    std::vector<Target> targets;
    for (const auto& process : listed)
        targets.push_back(aim(process));
    for (const auto& target : targets) {
        if (!target.pidfd) continue;
        send(target.pidfd, SIGTERM);
        send(target.pidfd, SIGCONT);  // one that Ctrl-Z stopped would not notice
    }
    wait_for(targets, patience, Outcome::ended);
    for (const auto& target : targets) {
        if (target.pidfd) send(target.pidfd, SIGKILL);
    }
    wait_for(targets, kill_patience, Outcome::killed);
    std::vector<EndResult> results;
    for (auto& target : targets) {
        if (target.pidfd) {
            target.result.outcome = Outcome::stuck;
            target.result.reason = "SIGKILL was sent, but the kernel has not let go of it";
        }
        results.push_back(std::move(target.result));
    }
    return results;
}

std::string describe(EndResult::Outcome outcome) {
    switch (outcome) {
        case Outcome::ended:
            return "ended";
        case Outcome::killed:
            return "killed";
        case Outcome::already_gone:
            return "already gone";
        case Outcome::refused:
            return "refused";
        case Outcome::stuck:
            return "stuck";
    }
    return "";
}

}  // namespace oneloop
