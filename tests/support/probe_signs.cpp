#include "tests/support/probe_signs.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>

namespace oneloop::test {
namespace {

volatile sig_atomic_t hangs = 0;

void hang(int) {
    hangs = 1;
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

long now_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// sd_notify(3), "Notes": one datagram of lines.
void say(const std::string& text) {
    const char* address = ::getenv("NOTIFY_SOCKET");
    if (!address) return;
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    const std::string name = address;
    name.copy(to.sun_path, sizeof to.sun_path);
    if (name[0] == '@') to.sun_path[0] = '\0';
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ::sendto(fd, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to),
             static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
    ::close(fd);
}

void say_as(const std::string& who, const std::string& text) {
    if (who.empty()) return say(text);
    const pid_t child = ::fork();
    if (child == 0) {
        constexpr uid_t stranger = 65534;
        if (who == "stranger" && ::setresuid(stranger, stranger, stranger) != 0) ::_exit(1);
        say(text);
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
}

std::string lines(std::string text) {
    for (auto at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", at))
        text.replace(at, 2, "\n");
    return text;
}

}  // namespace

ProbeSigns::ProbeSigns(const SignWishes& wishes) : wishes_(wishes) {
    struct sigaction action {};
    action.sa_handler = hang;
    if (wishes_.alive_every > 0) ::sigaction(SIGUSR1, &action, nullptr);
    if (!wishes_.say.empty()) say(lines(wishes_.say));
}

void ProbeSigns::turn() {
    const bool due = wishes_.ready_when == "now" || exists(wishes_.ready_when);
    if (!ready_ && due) {
        ready_ = true;
        say_as(wishes_.ready_by, "READY=1");
    }
    if (ready_ && wishes_.alive_every > 0 && !hangs &&
        now_ms() - last_sign_ >= wishes_.alive_every) {
        last_sign_ = now_ms();
        say("WATCHDOG=1");
    }
    if (!wishes_.serve_when.empty() && exists(wishes_.serve_when)) serve();
}

void ProbeSigns::serve() const {
    pollfd waiting{3, POLLIN, 0};
    if (::poll(&waiting, 1, 0) <= 0) return;
    const int client = ::accept4(3, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    if (!wishes_.healthy_when.empty()) {
        std::array<char, 4096> request{};
        (void)!::read(client, request.data(), request.size());
        const std::string reply = std::string("HTTP/1.1 ") +
                                  (exists(wishes_.healthy_when) ? "200 OK" : "503 Not yet") +
                                  "\r\nContent-Length: 0\r\n\r\n";
        (void)!::write(client, reply.data(), reply.size());
    }
    ::close(client);
}

}  // namespace oneloop::test
