// WatchWorld: the real supervisor watching a project, and moments in which nothing may come.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/support/private_mounts.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {

namespace fs = std::filesystem;

class WatchWorld : public SupervisorFixture {
  protected:
    [[nodiscard]] std::string at(const std::string& name) const { return project + "/" + name; }
    [[nodiscard]] bool wait_until_said(const std::string& text, int times = 1) const {
        return wait_until([&] { return said(text) >= times; }, seconds(20));
    }
    // For a moment in which nothing more may come.
    [[nodiscard]] bool stays_at(int starts) const {
        return !wait_for_starts(starts + 1, milliseconds(400));
    }
    static void run(const std::string& command) {
        ASSERT_EQ(std::system(("exec >/dev/null 2>&1; " + command).c_str()), 0) << command;
    }
};

}  // namespace oneloop::test
