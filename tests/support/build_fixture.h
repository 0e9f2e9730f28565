// What the tests of --build share: a project whose build tells of itself, and who is who.
#pragma once

#include "tests/support/asking_fixture.h"

namespace oneloop::test {

inline bool is_sleeper(const Seen& seen) {
    return seen.command.find("sleep 1000") == 0;
}
inline bool is_build_warden(const Seen& seen) {
    return seen.command.find("oneloop-warden") == 0 &&
           seen.command.find("/bin/sh -c") != std::string::npos;
}

class Build : public AskingFixture {
  protected:
    [[nodiscard]] int builds() const { return count(read_file(dir.file("builds")), "build\n"); }
    [[nodiscard]] pid_t worker() const {
        const auto found = living(mark, is_worker);
        return found.size() == 1 ? found[0].pid : 0;
    }
    [[nodiscard]] bool wait_for(const std::string& text, int times = 1) const {
        return wait_until([&] { return said(text) >= times; }, seconds(20));
    }
    // Tells of itself outside of what is watched, then succeeds when app.py is good.
    const std::string honest = "echo build >> ../builds; grep -q good app.py";
};

}  // namespace oneloop::test
