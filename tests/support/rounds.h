// rounds: how often a test does what could be done for ever. Few by default, so that the suite is
// soon done; script/test --long asks for more in the environment.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace oneloop::test {

// A number above 0 in `variable`, else `otherwise`. Anything else would be a test of nothing.
inline int rounds(const char* variable, int otherwise) {
    const char* given = std::getenv(variable);
    if (!given) return otherwise;
    const int number = std::atoi(given);
    if (number <= 0) throw std::runtime_error(std::string(variable) + " is " + given);
    return number;
}

}  // namespace oneloop::test
