// ControlClient: a raw client of a supervisor's control socket, for tests that misbehave.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/unique_fd.h"

namespace oneloop::test {

class ControlClient {
  public:
    // Not connected when it fails: see connected().
    explicit ControlClient(const std::string& state_directory);

    [[nodiscard]] bool connected() const { return static_cast<bool>(fd_); }
    [[nodiscard]] int error() const { return error_; }  // errno of connect(2)

    // Never blocks. Returns how many bytes the kernel took; -1 when the other end is closed.
    long send(const std::string& bytes) const;
    // The next line without its newline; none when it did not come in time or the end came first.
    std::optional<std::string> line(std::chrono::milliseconds limit = std::chrono::seconds(5));
    // True when the other end closes within `limit`; what it sent before is dropped.
    bool closed(std::chrono::milliseconds limit);

    // Sends one line and returns its answer; "" when there is none.
    std::string ask(const std::string& request);

  private:
    UniqueFd fd_;
    int error_ = 0;
    std::string input_;
};

}  // namespace oneloop::test
