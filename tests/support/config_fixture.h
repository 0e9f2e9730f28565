// A configuration as a text: what it means, or what is wrong with it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "worker/config.h"

namespace oneloop::worker::test_config {

inline const char* const smallest = R"(version = 1
[[watch]]
id = "a"
dates = { next = 2 }
source = { preset = "megabox", branch = "7011" }
)";

inline std::string problems_of(const std::string& text) {
    std::string result;
    for (const Problem& problem : parse_config(text, "f").problems) {
        result += format_problem("f", problem) + "\n";
    }
    return result;
}

inline Config config_of(const std::string& text) {
    ConfigReading reading = parse_config(text, "f");
    for (const Problem& problem : reading.problems)
        ADD_FAILURE() << format_problem("f", problem);
    return reading.config;
}

}  // namespace oneloop::worker::test_config
