// VitalsFixture: asks a running supervisor whether its worker is ready and lives, as a person and
// as a program would.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/asking_fixture.h"

namespace oneloop::test {

class VitalsFixture : public AskingFixture, public testing::WithParamInterface<const char*> {
  protected:
    using Json = nlohmann::json;

    VitalsFixture() { isolation = GetParam(); }
    void SetUp() override {
        if (isolation == "pidns" && ::geteuid() != 0) GTEST_SKIP() << "needs root";
    }

    [[nodiscard]] std::string status_text(const std::vector<std::string>& more = {}) {
        return ask("status", more);
    }
    [[nodiscard]] Json status() {
        const std::string text = status_text({"--json"});
        Json json = Json::parse(text, nullptr, false);
        EXPECT_FALSE(json.is_discarded()) << text;
        return json;
    }
    // In the console: what happens, without asking.
    [[nodiscard]] bool wait_for(const std::string& text, int times = 1,
                                milliseconds limit = seconds(20)) const {
        return wait_until([&] { return said(text) >= times; }, limit);
    }
    [[nodiscard]] pid_t worker() const {
        const auto found = living(mark, is_worker);
        return found.size() == 1 ? found[0].pid : 0;
    }

    // Files that the probe worker waits for.
    std::string go = dir.file("go");
    std::string healthy = dir.file("healthy");
};

}  // namespace oneloop::test
