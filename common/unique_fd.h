// UniqueFd: the one owner of a file descriptor. Not for descriptors that an Asio object owns.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace oneloop {

class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1) {
        if (fd_ >= 0) ::close(fd_);
        fd_ = fd;
    }

  private:
    int fd_ = -1;
};

// fcntl(2) F_SETFD. False with errno set when fd is not open.
inline bool set_cloexec(int fd, bool on) {
    return ::fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) == 0;
}

}  // namespace oneloop
