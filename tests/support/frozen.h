// FrozenCgroup: a cgroup of a test's own that can be frozen, of version 1 or 2.
#pragma once

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "common/read_text.h"
#include "tests/support/wait.h"

namespace oneloop::test {

class FrozenCgroup {
  public:
    enum class Version { v1, v2 };

    // Not usable() where there is no such hierarchy, or not ours to write to.
    explicit FrozenCgroup(Version version, const std::string& name) : version_(version) {
        const bool v1 = version == Version::v1;
        const std::array<std::string, 2> places = {
            v1 ? "/sys/fs/cgroup/freezer" : "/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
        for (const auto& place : places) {
            path_ = place + "/" + name;
            if (::mkdir(path_.c_str(), 0755) != 0) continue;
            const std::string control = path_ + (v1 ? "/freezer.state" : "/cgroup.events");
            usable_ = ::access(control.c_str(), F_OK) == 0;
            if (usable_) return;
            ::rmdir(path_.c_str());
        }
    }
    ~FrozenCgroup() {
        if (!usable_) return;
        freeze(false);
        wait_until([&] { return ::rmdir(path_.c_str()) == 0; }, std::chrono::seconds(10));
    }
    FrozenCgroup(const FrozenCgroup&) = delete;
    FrozenCgroup& operator=(const FrozenCgroup&) = delete;

    [[nodiscard]] bool usable() const { return usable_; }
    [[nodiscard]] const std::string& path() const { return path_; }

    [[nodiscard]] bool take(pid_t pid) const { return write("cgroup.procs", std::to_string(pid)); }
    // True when the kernel says that it is done.
    bool freeze(bool on) const {
        const bool v1 = version_ == Version::v1;
        if (!write(v1 ? "freezer.state" : "cgroup.freeze",
                   v1 ? (on ? "FROZEN" : "THAWED") : (on ? "1" : "0"))) {
            return false;
        }
        return wait_until(
            [&] {
                const auto state = read_text(path_ + (v1 ? "/freezer.state" : "/cgroup.events"));
                return (state.find(v1 ? "FROZEN" : "frozen 1") != std::string::npos) == on;
            },
            std::chrono::seconds(10));
    }

  private:
    [[nodiscard]] bool write(const char* file, const std::string& text) const {
        std::ofstream out(path_ + "/" + file);
        out << text << std::flush;
        return out.good();
    }

    Version version_;
    std::string path_;
    bool usable_ = false;
};

}  // namespace oneloop::test
