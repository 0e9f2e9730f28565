// remote: a running supervisor as another process sees it: find it, ask it, wait for its end.
//
// The client's side of control. Blocking, with deadlines. Not for what people read (remote_text)
// and not for the subcommands (remote_commands). Any thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "supervisor/control_protocol.h"

namespace oneloop {

// poll(2) until `fd` is readable or at its end. False after `deadline`.
bool wait_readable(int fd, std::optional<SteadyTime> deadline);

class Remote {
  public:
    // Error code ENOENT or ECONNREFUSED: no supervisor is there.
    static Result<Remote> connect(const std::string& directory);

    // Error code ETIMEDOUT: it is there and does not answer.
    Result<control::Reply> ask(control::Request request);

    // The connection, for what is more than a line; stays ours.
    [[nodiscard]] int socket() const { return socket_.get(); }

    [[nodiscard]] const std::string& directory() const { return directory_; }
    [[nodiscard]] pid_t pid() const { return pid_; }  // of the supervisor; 0: not to be seen
    // True when it has ended. Without a limit it waits for ever.
    bool wait_gone(std::optional<std::chrono::milliseconds> limit);

  private:
    Remote(std::string directory, UniqueFd socket, pid_t pid, UniqueFd process)
        : directory_(std::move(directory)),
          socket_(std::move(socket)),
          pid_(pid),
          process_(std::move(process)) {}

    std::string directory_;
    UniqueFd socket_;
    pid_t pid_;
    UniqueFd process_;  // pidfd, so that the end we see is this one's
};

// The instance directories at `place`: itself when it is one, else those below it.
std::vector<std::string> instance_directories(const std::string& place);

// A live instance. Without a status it does not answer; `trouble` says so.
struct Found {
    Remote remote;
    std::optional<control::StatusReport> status;
    std::string trouble;
};
std::vector<Found> find_live(const std::string& place);

}  // namespace oneloop
