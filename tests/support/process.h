// Process: a program started by a test, with its output in a file, ended with the test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/exit_status.h"

namespace oneloop::test {

// A directory that exists as long as the object. 0700, under the system's temporary directory.
class TempDir {
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

void write_file(const std::string& path, const std::string& text);
std::string read_file(const std::string& path);  // "" when there is none

class Process {
  public:
    struct Setup {
        std::vector<std::string> command;
        std::string directory;                                         // "": ours
        std::vector<std::pair<std::string, std::string>> environment;  // added to ours
        std::string output;                                            // file for stdout and stderr
    };
    explicit Process(const Setup& setup);
    ~Process();  // KILL, if it still runs
    Process(Process&& other) noexcept;
    Process& operator=(Process&&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] std::string output() const { return read_file(output_); }
    void signal(int number) const;
    // None when it still runs after `limit`.
    std::optional<ExitStatus> wait(std::chrono::milliseconds limit);

  private:
    pid_t pid_ = 0;
    std::string output_;
    std::optional<ExitStatus> status_;
};

}  // namespace oneloop::test
