// Simulator: the showtime API of megabox_simulator.py on a free port, ended with the test.
#pragma once

#include <optional>
#include <string>

#include "common/unique_fd.h"
#include "tests/support/process.h"

namespace oneloop::test {

struct Reply {
    int code = 0;  // 0: no connection, or no reply within five seconds
    std::string head;
    std::string body;
};

// One request over a connection of its own. `text` is sent as it is; `body` makes it a POST.
Reply http_get(int port, const std::string& path);
Reply http_post(int port, const std::string& path, const std::string& body);
Reply http_raw(int port, const std::string& text);

// The number after `"name":` (blanks allowed); -1 when there is none.
long number_in(const std::string& json, const std::string& name);

class Simulator {
  public:
    explicit Simulator(const std::string& mode);

    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    void set_mode(const std::string& mode) const;
    // "total", "concurrent_max" or "running".
    [[nodiscard]] long counter(const std::string& name) const;

  private:
    TempDir dir_;
    UniqueFd stdin_;  // its end ends the simulator, even if this test is killed
    std::optional<Process> process_;
    int port_ = 0;
};

}  // namespace oneloop::test
