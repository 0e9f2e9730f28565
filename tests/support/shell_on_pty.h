// ShellOnPty: an interactive bash on a terminal of the test's own, as a terminal emulator holds it,
// to type at and to read from. Job control is the shell's, not a copy of it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <string>

#include "common/unique_fd.h"
#include "tests/support/wait.h"

namespace oneloop::test {

class ShellOnPty {
  public:
    explicit ShellOnPty(const std::string& directory) {
        int master = -1;
        const winsize size{50, 200, 0, 0};
        pid_ = ::forkpty(&master, nullptr, nullptr, &size);
        if (pid_ == 0) {
            ::setenv("PS1", "prompt$ ", 1);
            if (::chdir(directory.c_str()) == 0) {
                ::execlp("bash", "bash", "--norc", "--noprofile", "--noediting", "-i", nullptr);
            }
            ::_exit(121);
        }
        master_.reset(master);
        ::fcntl(master, F_SETFL, O_NONBLOCK);
        EXPECT_TRUE(wait_for("prompt$ ")) << screen_;
    }
    ~ShellOnPty() {
        // The hang-up goes to the shell, which passes it on to its jobs.
        master_.reset();
        if (!wait_until([&] { return ::waitpid(pid_, nullptr, WNOHANG) == pid_; },
                        std::chrono::seconds(10))) {
            ADD_FAILURE() << "the shell did not end";
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    ShellOnPty(const ShellOnPty&) = delete;
    ShellOnPty& operator=(const ShellOnPty&) = delete;

    // What has been printed is forgotten: wait_for() looks at what comes from here on.
    void type(const std::string& keys) {
        read();
        seen_ = screen_.size();
        EXPECT_EQ(::write(master_.get(), keys.data(), keys.size()),
                  static_cast<ssize_t>(keys.size()));
    }

    bool wait_for(const std::string& text,
                  std::chrono::milliseconds limit = std::chrono::seconds(15)) {
        return wait_until(
            [&] {
                read();
                return screen_.find(text, seen_) != std::string::npos;
            },
            limit);
    }

    // All that was printed since the start.
    const std::string& screen() {
        read();
        return screen_;
    }
    // The echo of what is typed, and lines: as a shell expects to find its terminal.
    [[nodiscard]] bool is_cooked() const {
        termios modes{};
        return ::tcgetattr(master_.get(), &modes) == 0 && (modes.c_lflag & ECHO) != 0 &&
               (modes.c_lflag & ICANON) != 0;
    }

  private:
    void read() {
        char chunk[4096];
        for (;;) {
            const ssize_t got = ::read(master_.get(), chunk, sizeof chunk);
            if (got <= 0) return;
            screen_.append(chunk, static_cast<std::size_t>(got));
        }
    }

    pid_t pid_ = 0;
    UniqueFd master_;
    std::string screen_;
    std::size_t seen_ = 0;
};

}  // namespace oneloop::test
