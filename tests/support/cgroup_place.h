// CgroupPlace: a control group of a test's own that processes start in, and that is gone afterwards
// with whatever is left in it.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "supervisor/cgroup_tree.h"
#include "supervisor/cgroups.h"
#include "tests/support/wait.h"

namespace oneloop::test {

class CgroupPlace {
  public:
    // Below our own group; `controller` as Cgroups takes it. Not usable() where there is no such
    // hierarchy, or where it is not ours to write to.
    explicit CgroupPlace(const std::string& controller = "") {
        const std::string own = Cgroups().directory(0, controller);
        if (own.empty()) return;
        path_ = own + "/oneloop-test-" + std::to_string(::getpid());
        usable_ = ::mkdir(path_.c_str(), 0755) == 0;
    }
    ~CgroupPlace() {
        if (!usable_) return;
        const UniqueFd directory(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        kill_cgroup(directory.get());
        wait_until([&] { return remove_cgroup(path_); }, std::chrono::seconds(10));
    }
    CgroupPlace(const CgroupPlace&) = delete;
    CgroupPlace& operator=(const CgroupPlace&) = delete;

    [[nodiscard]] bool usable() const { return usable_; }
    [[nodiscard]] const std::string& path() const { return path_; }

    // False when the kernel does not take it.
    [[nodiscard]] bool set(const std::string& file, const std::string& value) const {
        std::ofstream out(path_ + "/" + file);
        return static_cast<bool>(out << value << std::flush);
    }

    // Put before a command: it runs in the group.
    [[nodiscard]] std::vector<std::string> entering() const {
        return {"sh", "-c", "echo $$ > '" + path_ + "/cgroup.procs' && exec \"$@\"", "enter"};
    }

    // The groups of instances below, the empty ones too.
    [[nodiscard]] std::vector<std::string> instances() const {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
            const std::string name = entry.path().filename().string();
            if (entry.is_directory() && name.starts_with("oneloop-")) found.push_back(name);
        }
        return found;
    }

  private:
    std::string path_;
    bool usable_ = false;
};

}  // namespace oneloop::test
