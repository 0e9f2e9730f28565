// wait_until: the only place in the tests that lets time pass. A condition with a limit, never a
// guess at how long something takes.
#pragma once

#include <chrono>
#include <thread>

namespace oneloop::test {

// True as soon as condition() is; false when `limit` has passed.
template <class Condition>
bool wait_until(Condition condition, std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
    return true;
}

// For tests whose subject is a moment: lets `time` pass.
inline void let_pass(std::chrono::microseconds time) {
    std::this_thread::sleep_for(time);
}

}  // namespace oneloop::test
