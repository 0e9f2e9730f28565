#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "common/exec_pointers.h"
#include "common/read_text.h"
#include "tests/support/wait.h"

namespace oneloop::test {

TempDir::TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "oneloop-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp " + pattern);
    path_ = pattern;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc) << text;
}

std::string read_file(const std::string& path) {
    return read_text(path);
}

Process::Process(const Setup& setup) : output_(setup.output) {
    const auto argv = exec_pointers(setup.command);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ > 0) return;
    // In the child of a program with threads: nothing that allocates but setenv, which the sampling
    // threads of the tests never hold a lock for.
    if (!setup.directory.empty() && ::chdir(setup.directory.c_str()) != 0) ::_exit(120);
    for (const auto& [name, value] : setup.environment)
        ::setenv(name.c_str(), value.c_str(), 1);
    if (!output_.empty()) {
        const int fd = ::open(output_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(fd, 1);
        ::dup2(fd, 2);
        ::close(fd);
    }
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, 0);
    ::close(null);
    ::execvp(argv[0], argv.data());
    ::_exit(121);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      output_(std::move(other.output_)),
      status_(other.status_) {}

Process::~Process() {
    if (pid_ <= 0 || status_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void Process::signal(int number) const {
    ::kill(pid_, number);
}

std::optional<ExitStatus> Process::wait(std::chrono::milliseconds limit) {
    wait_until(
        [&] {
            int status = 0;
            if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
                status_ = ExitStatus::from_wait_status(status);
            }
            return status_.has_value();
        },
        limit);
    return status_;
}

}  // namespace oneloop::test
