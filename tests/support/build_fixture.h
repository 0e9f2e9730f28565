// What the tests of --build share: a project whose build tells of itself, and who is who.
#pragma once

#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {

inline bool is_sleeper(const Seen& seen) {
    return seen.command.find("sleep 1000") == 0;
}
inline bool is_build_warden(const Seen& seen) {
    return seen.command.find("oneloop-warden") == 0 &&
           seen.command.find("/bin/sh -c") != std::string::npos;
}

class Build : public SupervisorFixture {
  protected:
    [[nodiscard]] int builds() const { return count(read_file(dir.file("builds")), "build\n"); }
    [[nodiscard]] pid_t worker() const {
        const auto found = living(mark, is_worker);
        return found.size() == 1 ? found[0].pid : 0;
    }
    // What `supervisor status` prints.
    [[nodiscard]] std::string status() const {
        const std::string output = dir.file("status");
        Process process(
            {{ONELOOP_SUPERVISOR, "status", "--state-dir", state}, project, {}, output});
        EXPECT_EQ(process.wait(seconds(20)), (ExitStatus{0, 0}));
        const std::string text = read_file(output);
        ::unlink(output.c_str());
        return text;
    }
    [[nodiscard]] bool wait_for(const std::string& text, int times = 1) const {
        return wait_until([&] { return said(text) >= times; }, seconds(20));
    }
    // Tells of itself outside of what is watched, then succeeds when app.py is good.
    const std::string honest = "echo build >> ../builds; grep -q good app.py";
};

}  // namespace oneloop::test
