#include "worker/exec_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/clock.h"
#include "common/exec_pointers.h"
#include "common/unique_fd.h"
#include "worker/verdict.h"

extern char** environ;

namespace oneloop::worker {
namespace {

constexpr std::size_t longest_output = 4096;  // of which the last line is kept

struct Pipe {
    UniqueFd read, write;
};

bool open_pipe(Pipe& pipe) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    pipe.read.reset(ends[0]);
    pipe.write.reset(ends[1]);
    return true;
}

std::vector<std::string> environment_for(const Parcel& parcel,
                                         const std::vector<std::string>& hidden) {
    std::vector<std::string> result;
    for (char** entry = environ; *entry; ++entry) {
        const std::string text = *entry;
        const std::string name = text.substr(0, text.find('='));
        if (name.starts_with("ONELOOP_MESSAGE_")) continue;
        if (std::find(hidden.begin(), hidden.end(), name) == hidden.end()) result.push_back(text);
    }
    result.push_back("ONELOOP_MESSAGE_KEY=" + parcel.key);
    result.push_back("ONELOOP_MESSAGE_SUBJECT=" + parcel.subject);
    return result;
}

// posix_spawn(3) with what a fresh program expects: no signal blocked or ignored. 0 or an errno.
int spawn(pid_t& pid, std::vector<std::string> command, std::vector<std::string> environment,
          int input, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (::posix_spawn_file_actions_init(&actions) != 0) return ENOMEM;
    if (::posix_spawnattr_init(&attributes) != 0) {
        ::posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawn_file_actions_adddup2(&actions, input, 0);
    ::posix_spawn_file_actions_adddup2(&actions, output, 1);
    ::posix_spawn_file_actions_adddup2(&actions, output, 2);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);  // sockets of Asio stay open over exec
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> arguments = exec_pointers(command);
    std::vector<char*> variables = exec_pointers(environment);
    const int error = ::posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(),
                                     variables.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    return error;
}

std::string last_line(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    return text.substr(text.rfind('\n') + 1);
}

void listen(Pipe& from, std::string& output) {
    char bytes[2 * longest_output];
    const ssize_t size = ::read(from.read.get(), bytes, sizeof bytes);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) from.read.reset();
    if (size > 0) output.append(bytes, static_cast<std::size_t>(size));
    if (output.size() > 2 * longest_output) output.erase(0, output.size() - longest_output);
}

// Feeds and listens until the program ends or `deadline` passes; true when it has ended.
bool attend(int pidfd, Pipe& to, Pipe& from, const std::string& payload, std::string& output,
            SteadyTime deadline) {
    std::size_t done = 0;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now());
        if (left.count() <= 0) return false;
        std::array<pollfd, 3> fds = {pollfd{pidfd, POLLIN, 0}, pollfd{to.write.get(), POLLOUT, 0},
                                     pollfd{from.read.get(), POLLIN, 0}};
        if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) < 0 && errno != EINTR)
            return false;
        if (fds[2].revents != 0) listen(from, output);
        if (fds[1].revents != 0) {
            const ssize_t size =
                ::write(to.write.get(), payload.data() + done, payload.size() - done);
            if (size > 0) done += static_cast<std::size_t>(size);
            // Who does not read all of it may still be content: the exit code says so.
            const bool failed = size < 0 && errno != EAGAIN && errno != EINTR;
            if (failed || done == payload.size()) to.write.reset();
        }
        if (fds[0].revents != 0) {
            listen(from, output);  // its last words; what its descendants say is not waited for
            return true;
        }
    }
}

}  // namespace

void run_program(const Channel& channel, const std::vector<std::string>& hidden,
                 const Parcel& parcel, const Hooks& hooks) {
    Pipe to, from;
    if (!open_pipe(to) || !open_pipe(from)) {
        hooks.settled(NotSent{std::string("pipe: ") + std::strerror(errno), false});
        return;
    }
    // The program may act on the first byte, so there is no later moment.
    if (!hooks.arm()) {
        hooks.settled(Stopped{});
        return;
    }
    pid_t pid = 0;
    const int error = spawn(pid, channel.command, environment_for(parcel, hidden), to.read.get(),
                            from.write.get());
    if (error != 0) {
        hooks.settled(NotSent{channel.command[0] + ": " + std::strerror(error), true});
        return;
    }
    to.read.reset();
    from.write.reset();
    ::fcntl(to.write.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(from.read.get(), F_SETFL, O_NONBLOCK);
    // By number: g++ 12's C library has the call, and its kernel headers may not.
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    std::string output;
    const bool ended = pidfd && attend(pidfd.get(), to, from, parcel.payload, output,
                                       Steady::now() + channel.timeout);
    // Unreaped, so that the group's number can't have become another's.
    ::kill(-pid, SIGKILL);
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
    }
    const bool exited = info.si_code == CLD_EXITED;
    hooks.settled(judge_exec(exited ? info.si_status : 0, exited ? 0 : info.si_status, !ended,
                             last_line(std::move(output))));
}

}  // namespace oneloop::worker
