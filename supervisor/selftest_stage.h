// selftest_stage: where the selftest plays: a private directory, and processes that carry a mark in
// their environment so that each of them can be found again, whatever it does to hide.
//
// Every process started here and everything below it ends with the stage, and the directory goes
// with it. No signal goes to a process without the mark: a pidfd first, then a look at the mark,
// then the signal (pidfd_open(2)). Not for what is done with them (selftest_run). One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/exit_status.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace oneloop::selftest {

using std::chrono::milliseconds;

struct Marked {
    pid_t pid = 0;
    std::int64_t generation = 0;  // 0: neither a worker nor below one
    std::string command;
};

class Stage {
  public:
    // Below `where`; when that is empty, below the first of $TMPDIR, /tmp, /var/tmp and the state
    // directory's base whose file system keeps locks. Error: there is none, or no /proc.
    static Result<std::unique_ptr<Stage>> open(const std::string& where);
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    [[nodiscard]] const std::string& directory() const { return directory_; }
    [[nodiscard]] std::string file(const std::string& name) const {
        return directory_ + "/" + name;
    }
    [[nodiscard]]  // Several, in turn: one that changes after each start looks like the own write
                   // of a worker.
    [[nodiscard]] std::string
    watched(std::size_t edit) const {
        return file("project/watched-" + std::to_string(edit % 8) + ".txt");
    }
    [[nodiscard]] const std::string& program() const { return program_; }  // this very one
    void keep() { keep_ = true; }  // the directory; processes end all the same

    // Keeps a lock on `log` for as long as the stage is there: the probes' sign of life.
    Result<void> guard(const std::string& log);

    // This program with `arguments`, in a session and a directory of its own, dying with us.
    // A child of ours: its pid is its own until ended() has told its end.
    Result<pid_t> start(const std::vector<std::string>& arguments);
    // None while it runs.
    std::optional<ExitStatus> ended(pid_t child);

    // Everything that carries the mark and has not ended. Zombies have no environment any more.
    [[nodiscard]] std::vector<Marked> living() const;
    // False: it is gone, or it is not one of ours.
    [[nodiscard]] bool signal(pid_t pid, int number) const;
    // KILL for everything that carries the mark until nothing does. False: something resists.
    bool sweep();

  private:
    Stage() = default;
    std::string program_;
    std::string directory_;
    std::string mark_;  // NAME=value
    UniqueFd guard_;
    bool keep_ = false;
};

// SIGINT, SIGTERM, SIGQUIT and SIGHUP are remembered from now on instead of ending us.
void catch_signals();
int caught_signal();  // 0: none

void pause_for(std::chrono::microseconds time);

// Asks every half millisecond. False: `limit` has passed, or a signal was caught.
template <class Condition>
bool wait_for(Condition condition, milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (caught_signal() || std::chrono::steady_clock::now() > deadline) return false;
        pause_for(std::chrono::microseconds(500));
    }
    return true;
}

}  // namespace oneloop::selftest
