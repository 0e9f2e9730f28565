// A small HTTP client of the tests: one request a connection, every failure told apart, because
// "refused" and "reset" are what a reload must not do.
#pragma once

#include <chrono>
#include <string>

namespace oneloop::test {

struct HttpReply {
    enum class Outcome { answered, refused, reset, timed_out, broken };
    Outcome outcome = Outcome::broken;
    int status = 0;
    std::string headers;
    std::string body;

    [[nodiscard]] bool ok() const { return outcome == Outcome::answered && status == 200; }
};

// GET from 127.0.0.1:port. Waits at most `limit` for the whole answer.
HttpReply http_get(int port, const std::string& path,
                   std::chrono::milliseconds limit = std::chrono::seconds(10));

// The same through a Unix socket.
HttpReply http_get_at(const std::string& socket_path, const std::string& path,
                      std::chrono::milliseconds limit = std::chrono::seconds(10));

// The socket that listens on `port`, "socket:[inode]" as /proc/PID/fd has it; "" for none. Of
// several the first.
std::string listening_socket(int port);

// A port that nobody had a moment ago.
int free_port();

}  // namespace oneloop::test
