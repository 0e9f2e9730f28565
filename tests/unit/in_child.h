// Runs a piece of code in a forked child and brings back the text it returns: for facts that hold
// between processes.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <string>

namespace oneloop::test {

class Child {
  public:
    // The child is alive until its code returns. It must not use gtest's assertions.
    explicit Child(const std::function<std::string()>& code) {
        int ends[2];
        if (::pipe(ends) != 0) throw std::runtime_error("pipe");
        pid_ = ::fork();
        if (pid_ < 0) throw std::runtime_error("fork");
        if (pid_ == 0) {
            ::close(ends[0]);
            const std::string text = code();
            const auto written = ::write(ends[1], text.data(), text.size());
            ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
        }
        ::close(ends[1]);
        output_ = ends[0];
    }
    ~Child() {
        ::close(output_);
        if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }

    // Waits for its end.
    std::string text() {
        std::string text;
        char buffer[4096];
        for (ssize_t size; (size = ::read(output_, buffer, sizeof buffer)) > 0;)
            text.append(buffer, static_cast<std::size_t>(size));
        ::waitpid(std::exchange(pid_, 0), nullptr, 0);
        return text;
    }

  private:
    pid_t pid_ = 0;
    int output_ = -1;
};

inline std::string in_child(const std::function<std::string()>& code) {
    return Child(code).text();
}

}  // namespace oneloop::test
