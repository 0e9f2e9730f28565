#include "tests/support/census.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <set>

#include "common/read_text.h"

namespace oneloop::test {
namespace {

struct CloseDirectory {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

std::string read_proc(pid_t pid, const char* name) {
    return read_text("/proc/" + std::to_string(pid) + "/" + name);
}

// `environment`: NAME=value, each ended by NUL.
std::string variable(const std::string& environment, const std::string& name) {
    const std::string start = std::string(1, '\0') + name + "=";
    const auto at = environment.find(start);
    return at == std::string::npos ? "" : environment.c_str() + at + start.size();
}

}  // namespace

std::vector<Seen> living(const std::string& mark, const std::function<bool(const Seen&)>& counts) {
    std::vector<Seen> result;
    const std::string wanted = std::string(census_variable) + "=" + mark;
    const std::unique_ptr<DIR, CloseDirectory> proc(::opendir("/proc"));
    while (const dirent* entry = ::readdir(proc.get())) {
        const pid_t pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
        if (pid <= 0 || pid == ::getpid()) continue;
        const std::string environment = read_proc(pid, "environ");
        if (environment.find(wanted) == std::string::npos) continue;
        Seen seen{pid, read_proc(pid, "cmdline"), variable(environment, "ONELOOP_GENERATION")};
        while (!seen.command.empty() && seen.command.back() == '\0')
            seen.command.pop_back();
        for (char& c : seen.command) {
            if (c == '\0') c = ' ';
        }
        if (seen.command.empty()) continue;  // on its way out
        if (!counts || counts(seen)) result.push_back(std::move(seen));
    }
    return result;
}

Census::Census(std::string mark, std::function<bool(const Seen&)> counts)
    : mark_(std::move(mark)), counts_(std::move(counts)), thread_([this] {
          while (!stop_) {
              std::set<std::string> workers;
              for (const auto& seen : living(mark_, counts_)) {
                  workers.insert(seen.generation.empty() ? "pid " + std::to_string(seen.pid)
                                                         : seen.generation);
              }
              if (workers.size() > most_) most_ = workers.size();
              ++looks_;
          }
      }) {}

Census::~Census() {
    stop_ = true;
    thread_.join();
}

}  // namespace oneloop::test
