// AskingFixture: the supervisor, and its own commands beside it (status, pause, …).
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {

class AskingFixture : public SupervisorFixture {
  protected:
    // What `supervisor COMMAND` prints about this instance.
    std::string ask(const std::string& command, const std::vector<std::string>& more = {}) {
        std::vector<std::string> words = {ONELOOP_SUPERVISOR, command, "--state-dir", state};
        words.insert(words.end(), more.begin(), more.end());
        const std::string output = dir.file("answer-" + std::to_string(++asked_));
        Process process({words, project, {}, output});
        const auto ended = process.wait(seconds(30));
        EXPECT_EQ(ended, (ExitStatus{0, 0})) << read_file(output);
        return read_file(output);
    }

  private:
    int asked_ = 0;
};

}  // namespace oneloop::test
